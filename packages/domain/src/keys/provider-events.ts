import type { ProblemKind } from '../problem.ts';
import type { KeyReference } from './reference.ts';

/** What an event is about; never a secret. */
export interface EventSubject {
  /** Name or id of the provider. */
  readonly provider: string;
  readonly host?: string;
  readonly vm?: string;
  readonly key?: string;
  /** What exactly happened. */
  readonly detail?: string;
}

interface EventFacts {
  readonly severity: 'info' | 'warning' | 'error';
  /** The event of the vendor contract that says the same, behind `com.vmware.vc.`; none where only we tell it. */
  readonly vendor: string | undefined;
  /** Sentence with `{provider}` and the like. */
  readonly text: string;
  readonly advice: string;
}

const facts = (
  severity: EventFacts['severity'],
  vendor: string | undefined,
  text: string,
  advice: string,
): EventFacts => ({ severity, vendor, text, advice });

/** Every event about key providers and the keys of VMs, in one table. */
export const providerEvents = {
  'key.not-added': facts(
    'error',
    'host.Crypto.SendKeyError.HostError',
    'keys of provider {provider} were not added to host {host}: {detail}',
    'VMs with these keys do not start there: see that the host is up and reached, pins this center, and has a TPM if the provider asks for one; then hand the keys out again',
  ),
  'key.missing': facts(
    'error',
    'kms.crypto.SendKeyError.KeyMissingOnKMS',
    'key {key} of provider {provider} is missing on its key servers: {detail}',
    'restore it there before the hosts that still have it restart; when a server has it, its replication is broken',
  ),
  'key.server-unreachable': facts(
    'error',
    'kms.crypto.SendKeyError.KMSClusterError',
    'key {key} of provider {provider} cannot be fetched, no key server answers: {detail}',
    'running VMs go on, and hosts use the keys that they have; bring a key server back before hosts restart',
  ),
  'key.generate-failed': facts(
    'error',
    'kms.crypto.KeyGenerateFail',
    'provider {provider} made no key: {detail}',
    'nothing was encrypted; see what the key server says, and that it lets this client create keys',
  ),
  'key.unlabelled': facts(
    'warning',
    undefined,
    'key {key} of provider {provider} carries no attributes of ours: {detail}',
    'it works, but nobody sees on the key server what it is for, and it is not among the keys that are listed as unused',
  ),
  'key.not-active': facts(
    'warning',
    undefined,
    'key {key} of provider {provider} is {detail}',
    'what is encrypted with it opens, nothing new is encrypted: re-encrypt its VMs with another key',
  ),
  'provider.unreachable': facts(
    'error',
    'kms.crypto.Unreachable',
    'no key server of provider {provider} answers: {detail}',
    'check the servers and the way to them; keys that hosts have go on working',
  ),
  'backup.missing': facts(
    'warning',
    'kms.crypto.NotBackedUp',
    'native provider {provider} was never backed up and makes no keys',
    'export it once, and keep file and password where this center is not',
  ),
  'backup.outdated': facts(
    'warning',
    'kms.crypto.NotBackedUpAfterUpdate',
    'native provider {provider} has key {key}, which no backup holds',
    'export it again; until then new keys are made under the one before',
  ),
  'backup.done': facts(
    'info',
    'kms.crypto.AllBackedUp',
    'all keys of native provider {provider} are in a backup',
    'keep file and password apart from each other',
  ),
  'backup.open': facts(
    'warning',
    undefined,
    'native provider {provider} was exported without a password',
    'whoever reads the file opens every VM of this provider: delete it, export with a password, and set require_export_password',
  ),
  'vm.locked': facts(
    'error',
    'vm.Crypto.VMLocked.KeyMissingOnHost',
    'VM {vm} does not start, its key of provider {provider} is not on host {host}: {detail}',
    'have the center hand the key out again, then start the VM',
  ),
  'vm.locked-refused': facts(
    'error',
    'vm.Crypto.VMLocked.TAKeyMissingOnHost',
    'VM {vm} does not start, the Trust Authority gave host {host} no key of provider {provider}: {detail}',
    '`vouchsafe host attest` on the host shows why',
  ),
  'vm.locked-unreachable': facts(
    'error',
    'vm.Crypto.VMLocked.TAKMSClusterUnavaliable',
    'VM {vm} does not start, nobody answers for trusted provider {provider}: {detail}',
    'bring a Trust Authority host, or the key server behind it, back',
  ),
  'vm.unlocked': facts(
    'info',
    'vm.Crypto.VMUnlocked',
    'VM {vm} has its key of provider {provider} again',
    'nothing to do',
  ),
} as const satisfies Record<string, EventFacts>;

export type ProviderEventId = keyof typeof providerEvents;

export interface ProviderEvent extends EventSubject {
  readonly id: ProviderEventId;
}

/** Takes events: a log, later the center. It must not throw. */
export type EventSink = (event: ProviderEvent) => void;

/** The sentence of an event. */
export const eventText = ({ id, ...subject }: ProviderEvent): string =>
  providerEvents[id].text.replaceAll(
    /\{(\w+)\}/g,
    (_all, name: string) => (subject as Record<string, string | undefined>)[name] ?? 'unknown',
  );

/** That a VM did not start for want of its key; undefined when something else was in its way. */
export function lockedBy(kind: KeyReference['kind'], problem: ProblemKind): ProviderEventId | undefined {
  if (problem === 'key.not-here' || problem === 'seal.unopened') return 'vm.locked';
  if (kind !== 'trusted') return undefined;
  if (outages.includes(problem)) return 'vm.locked-unreachable';
  return refusals.includes(problem) ? 'vm.locked-refused' : undefined;
}

const outages: readonly ProblemKind[] = ['service.unreachable', 'kmip.unreachable', 'host.not-ready', 'group.stale'];
const refusals: readonly ProblemKind[] = [
  'attestation.refused',
  'release.refused',
  'provider.unknown',
  'key.use-forbidden',
  'kmip.refused',
  'kmip.key-unusable',
];
