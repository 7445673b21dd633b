import { type Fact, fact, verbatim } from './fact.ts';
import { attribute, child, type Element } from './xml.ts';

/** A disk, CD-ROM or floppy as the domain XML describes it. */
export interface Disk {
  /** Name of the device in libvirt, for instance `vda`. */
  readonly target: string;
  readonly device: string;
  /** Image format: `raw`, `qcow2`; undefined when libvirt is to choose. */
  readonly format: string | undefined;
  /** Where the image lies; undefined for an empty drive. */
  readonly source: { readonly kind: string; readonly name: string } | undefined;
  readonly readonly: boolean;
  /** How QEMU is to decrypt it; undefined for a plain disk. */
  readonly encrypted: { readonly format: string; readonly secretUuid: string } | undefined;
  /** Whether the XML says explicitly that there is no backing file, names one, or leaves it to the image header. */
  readonly backing: 'none' | 'named' | 'unsaid';
}

/** Attributes of `<source>` that name an image, one for each kind of source. */
const sourceNames = ['file', 'dev', 'dir', 'name', 'volume', 'path'] as const;

export function describeDisk(disk: Element): Disk {
  const source = child(disk, 'source');
  const name = sourceNames.map((each) => attribute(source, each)).find((value) => value !== undefined);
  const backing = child(disk, 'backingStore');
  return {
    target: attribute(child(disk, 'target'), 'dev') ?? '',
    device: attribute(disk, 'device') ?? 'disk',
    format: attribute(child(disk, 'driver'), 'type'),
    source: name === undefined ? undefined : { kind: attribute(disk, 'type') ?? 'file', name },
    readonly: child(disk, 'readonly') !== undefined,
    encrypted: encryption(disk),
    backing: backing === undefined ? 'unsaid' : child(backing, 'source') === undefined ? 'none' : 'named',
  };
}

/** libvirt takes `<encryption>` below `<source>`, and below the disk itself as in its older releases. */
function encryption(layer: Element): Disk['encrypted'] {
  const found = child(child(layer, 'source'), 'encryption') ?? child(layer, 'encryption');
  const secretUuid = attribute(child(found, 'secret'), 'uuid');
  const format = attribute(found, 'format');
  return format !== 'luks' || secretUuid === undefined ? undefined : { format, secretUuid };
}

/**
 * An encrypted disk counts by its name alone: moving the image or re-encrypting it changes path, format and secret, and
 * another image does not open under this disk's key. A plain one is a way in and out of the guest, so its source counts;
 * an empty drive carries nothing.
 */
export function diskFacts(element: Element): Fact[] {
  const disk = describeDisk(element);
  const source = child(element, 'source');
  if (disk.encrypted !== undefined)
    return [
      fact('disk', disk.target, { device: disk.device, encrypted: true, ...overlay(element) }),
      ...plainLayers(element, disk.target),
    ];
  if (source === undefined || verbatim(source, volatileInSource) === '<source></>') return [];
  return [
    fact('disk', disk.target, {
      device: disk.device,
      encrypted: false,
      readonly: disk.device === 'cdrom' ? undefined : disk.readonly,
      source: sourceText(element, source),
      ...overlay(element),
    }),
  ];
}

/** `<transient/>`: libvirt puts what the guest writes into an overlay file without encryption. */
const overlay = (element: Element) => ({ transient: child(element, 'transient') === undefined ? undefined : true });

/** Added by libvirt while the domain runs, or no part of where the data lies. */
const volatileInSource = ['index', 'startupPolicy', 'seclabel', 'privateData', 'auth', 'reservations'];

/** A plain file says its path, every other kind the whole element. */
function sourceText(layer: Element, source: Element): string {
  const kind = attribute(layer, 'type') ?? 'file';
  const path = attribute(source, 'file');
  const whole = verbatim(source, volatileInSource);
  return whole === `<source file=${JSON.stringify(path)}></>` ? `${kind} ${path}` : `${kind} ${whole}`;
}

/** Layers below an encrypted disk that are not encrypted themselves. */
function plainLayers(disk: Element, target: string): Fact[] {
  const found: Fact[] = [];
  for (let layer = child(disk, 'backingStore'), depth = 1; layer !== undefined; depth++) {
    const source = child(layer, 'source');
    if (source !== undefined && encryption(layer) === undefined)
      found.push(fact('backing file', `${target}[${depth}]`, { source: sourceText(layer, source) }));
    layer = child(layer, 'backingStore');
  }
  return found;
}
