import { type Fact, fact, verbatim } from './fact.ts';
import { orHost } from './host-paths.ts';
import { attribute, child, children, type Element, elements, text } from './xml.ts';

/** Children of `<os>` that `firmwareFacts` and `orderFacts` read, or that carry no code. */
const handled = new Set(['type', 'loader', 'nvram', 'firmware', 'boot', 'bootmenu', 'smbios', 'bios']);

/** SHA-256 in base64url of the content of files, by path. */
export type Digests = ReadonlyMap<string, string>;

/** Files of the host whose content runs in the guest and that no package manager owns. */
export function codeFilesOf(domain: Element): string[] {
  const os = child(domain, 'os');
  const given = ['kernel', 'initrd', 'dtb', 'shim'].map((name) => text(child(os, name)));
  const loader = text(child(os, 'loader'));
  const foreign = orHost('firmware', loader) === 'host' ? undefined : loader;
  return [...given, foreign].filter((path) => path !== undefined);
}

/** Facts about what runs first in the guest: firmware, kernel, boot order, tables handed to it. */
export function bootFacts(domain: Element, digests: Digests): Fact[] {
  const os = child(domain, 'os');
  const others =
    os === undefined ? [] : elements(os).filter((e) => e.namespaceURI !== null || !handled.has(e.localName ?? ''));
  return [
    fact('guest type', '', { type: text(child(os, 'type')) }),
    firmwareFact(domain, os, digests),
    orderFact(domain, os),
    ...(attribute(child(os, 'bootmenu'), 'enable') === 'yes' ? [fact('boot menu', '')] : []),
    ...smbiosFacts(os),
    ...others.map((each) => codeFact(each, digests)),
    ...children(domain, 'sysinfo').map((each) => fact('sysinfo', verbatim(each))),
  ];
}

/** `<kernel>`, `<initrd>`, `<cmdline>`, `<dtb>`, `<shim>` hold a text; `<acpi>` and whatever comes later stand whole. */
function codeFact(element: Element, digests: Digests): Fact {
  const plain = elements(element).length === 0 && element.attributes.length === 0;
  const value = plain ? (text(element) ?? '') : verbatim(element);
  return fact(element.localName ?? '', '', { value, sha256: digests.get(value) });
}

/**
 * The firmware: `host` for any that the host's own packages installed, whether libvirt chose it (`<os firmware>`, which
 * the running domain shows as the path that was chosen) or the domain names it.
 */
function firmwareFact(domain: Element, os: Element | undefined, digests: Digests): Fact {
  const loader = child(os, 'loader');
  const nvram = child(os, 'nvram');
  const pflash = attribute(os, 'firmware') === 'efi' || attribute(loader, 'type') === 'pflash';
  return fact('firmware', '', {
    type: pflash ? 'pflash' : 'rom',
    code: orHost('firmware', text(loader)),
    sha256: digests.get(text(loader) ?? ''),
    secureBoot: pflash ? secureBoot(domain, os, loader) : undefined,
    variables: pflash ? orHost('variables', variablesOf(nvram)) : undefined,
    template: pflash ? orHost('firmware', attribute(nvram, 'template')) : undefined,
  });
}

/** Path of the variable store, or the whole source when it is no file. */
function variablesOf(nvram: Element | undefined): string | undefined {
  const source = child(nvram, 'source');
  return source === undefined ? text(nvram) : (attribute(source, 'file') ?? verbatim(source));
}

/**
 * Whether Secure Boot is possible in the guest. Where libvirt is to choose, it takes a firmware with Secure Boot if the
 * machine can protect one (q35 with system management mode) and the domain does not refuse the feature.
 */
function secureBoot(domain: Element, os: Element | undefined, loader: Element | undefined): boolean {
  if (text(loader) !== undefined) return attribute(loader, 'secure') === 'yes';
  const refused = children(child(os, 'firmware'), 'feature').some(
    (feature) => attribute(feature, 'name') === 'secure-boot' && attribute(feature, 'enabled') === 'no',
  );
  const machine = attribute(child(os, 'type'), 'machine') ?? '';
  const smm = attribute(child(child(domain, 'features'), 'smm'), 'state') ?? 'on';
  return !refused && /^(pc-)?q35/.test(machine) && smm === 'on';
}

/** Devices in the order in which the firmware tries them; libvirt puts the disk first when nothing is said. */
function orderFact(domain: Element, os: Element | undefined): Fact {
  const devices = child(domain, 'devices');
  const ordered = (devices === undefined ? [] : elements(devices))
    .map((device) => ({ device, order: Number(attribute(child(device, 'boot'), 'order')) }))
    .filter(({ order }) => order > 0)
    .toSorted((a, b) => a.order - b.order)
    .map(({ device }) => [device.localName, attribute(child(device, 'target'), 'dev')].filter(Boolean).join(' '));
  const classes = children(os, 'boot').map((boot) => attribute(boot, 'dev') ?? '');
  const order = ordered.length > 0 ? ordered : classes.length > 0 ? classes : ['hd'];
  return fact('boot order', '', { order: order.join(', ') });
}

/** `sysinfo` and `host` hand strings to the guest that boot loaders and systemd act upon; `emulate` is the default. */
function smbiosFacts(os: Element | undefined): Fact[] {
  const mode = attribute(child(os, 'smbios'), 'mode') ?? 'emulate';
  return mode === 'emulate' ? [] : [fact('SMBIOS', '', { mode })];
}
