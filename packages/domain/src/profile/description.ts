import { type Disk, describeDisk } from './disk.ts';
import { ProfileError } from './error.ts';
import { attribute, child, children, type Element, elements, parseDomainXml, text } from './xml.ts';

/** Namespace of the element `<keysafe>` in a domain's `<metadata>`. */
export const keysafeNamespace = 'urn:vouchsafe:keysafe:1';

/** What a key service needs to know about a domain. */
export interface DomainDescription {
  readonly name: string;
  /** Lower case, with hyphens. */
  readonly uuid: string;
  /** Text of the key safe in the metadata, undefined when there is none. */
  readonly keysafe: string | undefined;
  readonly disks: readonly Disk[];
  /** Emulated TPM; `encryptionSecret` is the UUID of the libvirt secret of its state, undefined when it is plain. */
  readonly tpm: { readonly encryptionSecret: string | undefined } | undefined;
}

export type { Disk };

/**
 * Reads a domain XML: what libvirt was given, shows, or hands to its hook.
 * @throws {ProfileError} when the XML cannot be used, or name, UUID or a disk's target are missing or invalid
 */
export function describeDomain(xml: string): DomainDescription {
  const domain = parseDomainXml(xml);
  const devices = child(domain, 'devices');
  return {
    name: required(text(child(domain, 'name')), 'name', /^[^/\n]+$/),
    uuid: required(text(child(domain, 'uuid'))?.toLowerCase(), 'uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    keysafe: keysafe(child(domain, 'metadata')),
    disks: distinct(children(devices, 'disk').map(describeDisk)),
    tpm: tpm(child(devices, 'tpm')),
  };
}

function required(value: string | undefined, name: string, form: RegExp): string {
  if (value !== undefined && form.test(value)) return value;
  throw new ProfileError('domain.invalid', `domain.${name}: ${value === undefined ? 'missing' : 'not valid'}`);
}

function keysafe(metadata: Element | undefined): string | undefined {
  const found = (metadata === undefined ? [] : elements(metadata)).filter((e) => e.namespaceURI === keysafeNamespace);
  if (found.length > 1) throw new ProfileError('domain.invalid', 'domain.metadata: more than one key safe');
  return text(found[0]);
}

/** Two disks of one name would let one of them hide behind the other. */
function distinct(disks: readonly Disk[]): readonly Disk[] {
  const targets = disks.map((disk) => disk.target);
  const twice = targets.find((target, at) => targets.indexOf(target) !== at);
  if (targets.includes('')) throw new ProfileError('domain.invalid', 'domain.devices.disk: target is missing');
  if (twice !== undefined)
    throw new ProfileError('domain.invalid', `domain.devices.disk: target ${twice} is there twice`);
  return disks;
}

function tpm(device: Element | undefined): DomainDescription['tpm'] {
  const backend = child(device, 'backend');
  if (attribute(backend, 'type') !== 'emulator') return undefined;
  return { encryptionSecret: attribute(child(backend, 'encryption'), 'secret')?.toLowerCase() };
}
