import { backendFacts, backendText, chardevFacts } from './chardev.ts';
import { diskFacts } from './disk.ts';
import { type Fact, fact, picked, verbatim } from './fact.ts';
import { isHostPath, orHost } from './host-paths.ts';
import { attribute, child, children, type Element, elements, text } from './xml.ts';

/** What the profile takes from a device, or why it takes nothing. */
export type DeviceRule =
  | { readonly ignored: string }
  | { readonly covered: string; readonly facts: (device: Element) => Fact[] };

/**
 * Every element below `<devices>` of libvirt's schema `domaincommon.rng`. An element that is not in this table stands
 * in the profile as it is, so that a device nobody thought about changes it.
 */
export const deviceRules: Readonly<Record<string, DeviceRule>> = {
  emulator: { covered: 'a foreign program would get the memory and the keys', facts: emulatorFacts },
  disk: { covered: 'data enters and leaves', facts: diskFacts },
  filesystem: { covered: 'files of the host enter, data leaves into them', facts: filesystemFacts },
  hostdev: { covered: 'a device of the host reads and writes memory', facts: hostdevFacts },
  redirdev: { covered: 'a device of whoever watches the console', facts: redirdevFacts },
  redirfilter: { covered: 'says which devices may be redirected', facts: whole },
  smartcard: { covered: 'a card of the host or its certificates', facts: whole },
  shmem: { covered: 'memory shared with other processes and guests', facts: shmemFacts },
  memory: { covered: 'a memory module backed by a file', facts: memoryFacts },
  serial: { covered: 'a file or socket as the console', facts: chardevFacts },
  console: { covered: 'a file or socket as the console', facts: chardevFacts },
  parallel: { covered: 'a file or socket as the port', facts: chardevFacts },
  channel: { covered: 'a file or socket for an agent in the guest', facts: chardevFacts },
  rng: { covered: 'who feeds it knows the keys made in the guest', facts: rngFacts },
  tpm: { covered: 'whether its state is encrypted, or whose TPM it is', facts: tpmFacts },
  graphics: { covered: 'the console, open to the network', facts: graphicsFacts },
  interface: { covered: 'only backends that map memory, and scripts', facts: interfaceFacts },
  audio: { covered: 'only sound that is written to a file', facts: audioFacts },
  input: { covered: 'only devices of the host', facts: inputFacts },
  watchdog: { covered: 'only the action that dumps memory', facts: watchdogFacts },
  controller: { ignored: 'a bus without a backend, added by libvirt' },
  lease: { ignored: 'a lock on storage' },
  sound: { ignored: 'the sound card; its backend is audio' },
  video: { ignored: 'the picture; who may see it is graphics' },
  hub: { ignored: 'a bus' },
  nvram: { ignored: 'address of the pSeries variable store' },
  memballoon: { ignored: 'size of the memory' },
  panic: { ignored: 'tells libvirt that the guest crashed; what follows is on_crash' },
  iommu: { ignored: 'protects the guest from its devices' },
  vsock: { ignored: 'a network to the host: the guest must offer a service on it' },
  crypto: { ignored: 'an accelerator without a data path of its own' },
};

/** All facts of `<devices>`, option ROMs of any device included. */
export const devicesFacts = (devices: Element | undefined): Fact[] =>
  devices === undefined ? [] : elements(devices).flatMap((device) => [...deviceFacts(device), ...romFacts(device)]);

function deviceFacts(device: Element): Fact[] {
  const rule = device.namespaceURI === null ? ruleOf(device.localName ?? '') : undefined;
  if (rule === undefined) return whole(device);
  return 'ignored' in rule ? [] : rule.facts(device);
}

const ruleOf = (name: string) => (Object.hasOwn(deviceRules, name) ? deviceRules[name] : undefined);

/** Names of a device that libvirt gives it; they move when other devices come and go. */
const added = ['alias', 'address'];

function whole(device: Element): Fact[] {
  return [fact(device.localName ?? '', verbatim(device, added))];
}

/** Code that the firmware runs before any other. */
function romFacts(device: Element): Fact[] {
  const file = attribute(child(device, 'rom'), 'file');
  return file === undefined ? [] : [fact('option ROM', `${device.localName} ${file}`)];
}

function emulatorFacts(device: Element): Fact[] {
  const path = orHost('emulator', text(device));
  return path === 'host' ? [] : [fact('emulator', '', { path })];
}

function filesystemFacts(device: Element): Fact[] {
  const source = child(device, 'source');
  return [
    fact('filesystem', attribute(child(device, 'target'), 'dir') ?? '', {
      type: attribute(device, 'type') ?? 'mount',
      source: source === undefined ? 'none' : verbatim(source),
      readonly: child(device, 'readonly') !== undefined,
      server: orHost('virtiofsd', attribute(child(device, 'binary'), 'path')),
    }),
  ];
}

/** Name, number or address of the host's device; `managed`, driver and model are how it is attached. */
function hostdevFacts(device: Element): Fact[] {
  const source = child(device, 'source');
  const what = [attribute(device, 'mode') ?? 'subsystem', attribute(device, 'type')].join(' ');
  return [
    fact('hostdev', `${what} ${source === undefined ? '' : verbatim(source, ['startupPolicy', 'guestReset'], number)}`),
  ];
}

/** Addresses may be given in decimal; libvirt shows them in hexadecimal. */
const number = (value: string): string => (/^(0x[0-9a-f]+|\d+)$/i.test(value) ? String(Number(value)) : value);

function redirdevFacts(device: Element): Fact[] {
  return [fact('redirdev', `${attribute(device, 'bus') ?? 'usb'} ${backendText(device)}`)];
}

function shmemFacts(device: Element): Fact[] {
  return [
    fact('shmem', attribute(device, 'name') ?? '', {
      model: attribute(child(device, 'model'), 'type'),
      server: attribute(child(device, 'server'), 'path'),
    }),
  ];
}

function memoryFacts(device: Element): Fact[] {
  const path = text(child(child(device, 'source'), 'path'));
  return path === undefined ? [] : [fact('memory module', path, { model: attribute(device, 'model') })];
}

function rngFacts(device: Element): Fact[] {
  const backend = child(device, 'backend');
  const model = attribute(backend, 'model') ?? 'random';
  if (backend === undefined || model === 'builtin') return [];
  if (model === 'egd') return [fact('random source', backendText(backend)), ...backendFacts('random source', backend)];
  const path = text(backend);
  return path === undefined || isHostPath('random', path) ? [] : [fact('random source', path)];
}

function tpmFacts(device: Element): Fact[] {
  const backend = child(device, 'backend');
  const type = attribute(backend, 'type') ?? 'passthrough';
  if (type === 'emulator')
    return [fact('tpm', type, { encrypted: attribute(child(backend, 'encryption'), 'secret') !== undefined })];
  return [fact('tpm', `${type} ${backend === undefined ? '' : verbatim(backend)}`)];
}

const loopback = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** A console that only this host reaches is libvirt's own; one that is said to listen elsewhere is open to the network. */
function graphicsFacts(device: Element): Fact[] {
  const listens = children(device, 'listen');
  const addresses = [attribute(device, 'listen'), ...listens.map((listen) => attribute(listen, 'address'))];
  const networks = listens.map((listen) => attribute(listen, 'network')).filter((name) => name !== undefined);
  const open = addresses.filter((address) => address !== undefined && !loopback.test(address));
  const type = attribute(device, 'type') ?? '';
  if (open.length + networks.length > 0) return [fact('console on the network', type)];
  return [];
}

/** Networks that carry packets and nothing else. What passes on them the guest distrusts anyway. */
const packetNetworks = new Set(
  'network bridge ethernet user direct mcast server client udp internal null vds'.split(' '),
);

function interfaceFacts(device: Element): Fact[] {
  const type = attribute(device, 'type') ?? '';
  const source = child(device, 'source');
  const scripts = [...children(device, 'script'), ...children(device, 'downscript')];
  const mapped = packetNetworks.has(type) ? [] : [fact('interface', `${type} ${source ? verbatim(source) : ''}`)];
  return [...mapped, ...scripts.map((script) => fact('interface script', attribute(script, 'path') ?? ''))];
}

function audioFacts(device: Element): Fact[] {
  if (attribute(device, 'type') !== 'file') return [];
  return [fact('audio file', attribute(device, 'path') ?? 'host')];
}

function inputFacts(device: Element): Fact[] {
  const source = child(device, 'source');
  if (source === undefined) return [];
  return [fact('input', `${attribute(device, 'type')} ${picked(source, ['dev', 'evdev'])}`)];
}

function watchdogFacts(device: Element): Fact[] {
  return attribute(device, 'action') === 'dump' ? [fact('memory dump', 'watchdog')] : [];
}
