import { bootFacts, type Digests } from './boot.ts';
import { devicesFacts } from './devices.ts';
import { type Fact, fact, verbatim } from './fact.ts';
import { attribute, child, children, type Element, elements, text } from './xml.ts';

/** What the profile takes from a child of `<domain>`, or why it takes nothing. */
export type PartRule = { readonly ignored: string } | { readonly covered: string };

/** Every child of `<domain>` in libvirt's schema. One that is not in this table stands in the profile as it is. */
export const partRules: Readonly<Record<string, PartRule>> = {
  os: { covered: 'what runs first' },
  sysinfo: { covered: 'strings that boot loaders and systemd act upon' },
  devices: { covered: 'device by device, see deviceRules' },
  memoryBacking: { covered: 'memory in files or shared with other processes' },
  cpu: { covered: 'only cells of shared memory' },
  on_crash: { covered: 'only the actions that dump memory' },
  seclabel: { covered: 'only labels that are fixed or switched off' },
  launchSecurity: { covered: 'kind and policy of memory encryption' },
  name: { ignored: 'the key safe names the VM' },
  uuid: { ignored: 'the key safe names the VM' },
  genid: { ignored: 'tells the guest that it was copied' },
  title: { ignored: 'a description' },
  description: { ignored: 'a description' },
  metadata: { ignored: 'data of programs, the key safe among it' },
  maxMemory: { ignored: 'size' },
  memory: { ignored: 'size' },
  currentMemory: { ignored: 'size' },
  memtune: { ignored: 'size' },
  numatune: { ignored: 'placement' },
  vcpu: { ignored: 'size' },
  vcpus: { ignored: 'size' },
  iothreads: { ignored: 'speed' },
  iothreadids: { ignored: 'speed' },
  defaultiothread: { ignored: 'speed' },
  cputune: { ignored: 'speed' },
  blkiotune: { ignored: 'speed' },
  resource: { ignored: 'control group, added by libvirt' },
  features: { ignored: 'features of the processor and board' },
  clock: { ignored: 'time, which the guest checks by other means' },
  on_poweroff: { ignored: 'restart or not' },
  on_reboot: { ignored: 'restart or not' },
  on_lockfailure: { ignored: 'restart or not' },
  pm: { ignored: 'sleep states' },
  perf: { ignored: 'counters' },
  keywrap: { ignored: 'keys of s390 processors, not of data at rest' },
};

/** Facts of the whole domain, each once. */
export function domainFacts(domain: Element, digests: Digests): Fact[] {
  const unknown = elements(domain).filter(
    (e) => e.namespaceURI !== null || !Object.hasOwn(partRules, e.localName ?? ''),
  );
  return [
    ...bootFacts(domain, digests),
    ...devicesFacts(child(domain, 'devices')),
    ...memoryFacts(domain),
    ...crashFacts(domain),
    ...children(domain, 'seclabel').flatMap(labelFacts),
    ...children(domain, 'launchSecurity').map(launchFact),
    ...unknown.map((element) => fact(element.localName ?? '', verbatim(element))),
  ];
}

/** Guest memory in a file, or mapped by other processes (which vhost-user and virtiofs need). */
function memoryFacts(domain: Element): Fact[] {
  const backing = child(domain, 'memoryBacking');
  const cells = children(child(child(domain, 'cpu'), 'numa'), 'cell');
  const shared =
    attribute(child(backing, 'access'), 'mode') === 'shared' ||
    cells.some((cell) => attribute(cell, 'memAccess') === 'shared');
  return [
    ...(attribute(child(backing, 'source'), 'type') === 'file' ? [fact('memory in a file', '')] : []),
    ...(shared ? [fact('shared memory', '')] : []),
  ];
}

function crashFacts(domain: Element): Fact[] {
  return text(child(domain, 'on_crash'))?.startsWith('coredump') ? [fact('memory dump', 'on_crash')] : [];
}

/** Whoever QEMU runs as can read its memory; libvirt adds a `dynamic` label to every running domain. */
function labelFacts(label: Element): Fact[] {
  const type = attribute(label, 'type') ?? 'dynamic';
  if (type === 'dynamic') return [];
  return [fact('seclabel', attribute(label, 'model') ?? '', { type, label: text(child(label, 'label')) })];
}

const launchFact = (element: Element): Fact =>
  fact('launchSecurity', attribute(element, 'type') ?? '', { policy: text(child(element, 'policy')) });
