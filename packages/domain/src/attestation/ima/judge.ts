import { hash } from 'node:crypto';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { hex } from '@vouchsafe/bytes/hex';
import type { ImaEntry } from '@vouchsafe/eventlog/ima/log';
import { type FieldId, fieldsOf } from '@vouchsafe/eventlog/ima/template';
import { globMatches } from '../../glob.ts';
import type { BaseImage } from '../base-image.ts';
import { type ImaPolicy, imaRulesDigest } from '../ima-policy.ts';
import type { AllowList, Listing } from './allow-list.ts';
import { listedHashes } from './checksum-lines.ts';
import type { EntryFault, Judged } from './judged.ts';
import { type Effort, effortForOneLog, isSigned } from './keyring.ts';
import { isPlainPath, shownName } from './plain-path.ts';
import { imaPcr } from './progress.ts';

/** What a log is judged against. */
export interface ImaRules {
  readonly policy: ImaPolicy;
  /** Undefined when the image names none: then only its agent is looked for. */
  readonly lists: readonly AllowList[] | undefined;
  readonly agent: BaseImage['agent'];
  /** Digest of all of it. */
  readonly digest: string;
}

/** The rules that hold for hosts of an image; lists that are not there are left out, the caller tells them. */
export const rulesFor = (policy: ImaPolicy, image: Pick<BaseImage, 'ima' | 'agent'>): ImaRules => ({
  policy,
  lists: image.ima?.lists.flatMap((name) => policy.lists.get(name) ?? []),
  agent: image.agent,
  digest: imaRulesDigest(policy, image),
});

export const nothingJudged = (rules: ImaRules): Judged => ({
  by: rules.digest,
  listed: 0,
  signed: 0,
  excluded: 0,
  agent: false,
  faults: {},
});

/** What follows for one entry. */
type Outcome = 'listed' | 'signed' | 'excluded' | 'none' | Fault;
interface Fault {
  readonly fault: EntryFault;
  readonly severity: 'fail' | 'warn';
  readonly name: string;
}

const maxShown = 8;

/**
 * Judges further entries of a boot, all of which a quote accounts for, and adds them to what was found before.
 *
 * What the TPM vouches for are the bytes that were hashed: the fields of the template, not its name, and of a violation
 * nothing at all. So digest and name are only taken from where every template of the kernel has them, in that order;
 * what an entry is called decides nothing.
 */
export function judgeEntries(rules: ImaRules, before: Judged, entries: Iterable<ImaEntry>): Judged {
  const judged: Mutable = { ...before, faults: structuredClone(before.faults) };
  const effort = effortForOneLog();
  for (const entry of entries) {
    if (entry.pcr !== imaPcr) continue;
    const outcome = rules.lists === undefined ? 'none' : judgeEntry(rules, rules.lists, entry, effort);
    if (typeof outcome !== 'string') addFault(judged, outcome);
    else if (outcome !== 'none') judged[outcome]++;
    judged.agent ||= isAgent(rules.agent, entry);
  }
  return judged;
}

type Mutable = { -readonly [K in keyof Judged]: Judged[K] };

function addFault({ faults }: Mutable, { fault, severity, name }: Fault): void {
  const known = faults[fault];
  const first = known?.first ?? [];
  faults[fault] = {
    count: (known?.count ?? 0) + 1,
    severity: severity === 'fail' || known?.severity === 'fail' ? 'fail' : 'warn',
    first: first.length < maxShown ? [...first, shownName(name)] : first,
  };
}

const faultOf = (fault: EntryFault, name: string, severity: 'fail' | 'warn' = 'fail'): Fault => ({
  fault,
  severity,
  name,
});

function judgeEntry(rules: ImaRules, lists: readonly AllowList[], entry: ImaEntry, effort: Effort): Outcome {
  const { fields, violation } = entry;
  const name = fields.name ?? '';
  if (violation) return judgeViolation(rules, name);
  if (!hasDigestAndName(entry) || fields.digest === undefined) {
    return faultOf('ima.unreadable', `entry ${entry.index} of template ${shownName(entry.template)}`);
  }
  if (isBuffer(entry)) return judgeBuffer(rules, name);
  return judgeFile(rules.policy, lists, entry, name, effort);
}

/** Templates differ in what follows, never in the first two fields; a custom one that does is not judged. */
export const hasDigestAndName = ({ template }: ImaEntry): boolean => {
  const fields = fieldsOf(template);
  return fields !== undefined && isDigest(fields[0]) && isName(fields[1]);
};
const isDigest = (field: FieldId | undefined) => field === 'd-ng' || field === 'd-ngv2' || field === 'd';
const isName = (field: FieldId | undefined) => field === 'n-ng' || field === 'n';

/** The path stands there on the host's word only: a rule that spares some paths is for hosts that do not lie. */
function judgeViolation({ policy }: ImaRules, name: string): Outcome {
  const { violations } = policy.settings;
  if (violations === 'by-path' && isExcluded(policy, name)) return 'excluded';
  return faultOf('ima.violation', name, violations === 'warn' ? 'warn' : 'fail');
}

/** First bytes of a `security.ima` that is written into the log; no buffer begins so. */
const signatureTypes = [3, 5, 6];

/**
 * Whether the entry is of a buffer in the kernel and not of a file. Templates `ima-sig` and `ima-buf` are hashed alike,
 * so a host can call one the other: a buffer has no absolute path, and its digest is that of the bytes beside it.
 */
function isBuffer({ fields: { buffer, digest, name = '' } }: ImaEntry): boolean {
  if (buffer === undefined || digest === undefined || name.startsWith('/')) return false;
  if (buffer.length === 0 || signatureTypes.includes(buffer[0]!) || !isStrong(digest.algorithm)) return false;
  return equalBytes(hash(digest.algorithm, buffer, 'buffer'), digest.value);
}

function judgeBuffer({ policy }: ImaRules, name: string): Outcome {
  const { kexec, buffers } = policy.settings;
  return name === 'kexec-cmdline' ? faultOf('ima.kexec', name, kexec) : faultOf('ima.buffer', name, buffers);
}

function judgeFile(
  policy: ImaPolicy,
  lists: readonly AllowList[],
  { fields }: ImaEntry,
  name: string,
  effort: Effort,
): Outcome {
  const { digest, signature } = fields;
  if (digest === undefined) return faultOf('ima.unreadable', name);
  const strong = isStrong(digest.algorithm);
  // A digest of fs-verity is no digest of the content, so no list can name it.
  const listing = strong && digest.kind !== 'verity' ? lookUp(lists, name, digest.algorithm, digest.value) : 'absent';
  if (listing === 'listed') return 'listed';
  if (
    strong &&
    signature !== undefined &&
    isSigned(policy.keyring, digest.algorithm, digest.value, signature, effort)
  ) {
    return 'signed';
  }
  if (isExcluded(policy, name)) return 'excluded';
  if (!strong) return faultOf('ima.weak-digest', `${name} (${digest.algorithm})`);
  return faultOf(listing === 'changed' ? 'ima.changed-file' : 'ima.unknown-file', name);
}

const strong: ReadonlySet<string> = new Set(Object.values(listedHashes));
const isStrong = (algorithm: string): boolean => strong.has(algorithm);

/** The kernel says this behind the path of a file that has no name any more. */
const deleted = ' (deleted)';

function lookUp(lists: readonly AllowList[], name: string, algorithm: string, digest: Uint8Array): Listing {
  // Only plain paths are in a list, so no other name is found there.
  let best: Listing = 'absent';
  for (const list of lists) {
    const listing = list.look(name, algorithm, digest);
    if (listing === 'listed') return listing;
    if (listing === 'changed') best = listing;
  }
  // A file with the content that is listed for the path without these words is what it says.
  if (!name.endsWith(deleted)) return best;
  return lookUp(lists, name.slice(0, -deleted.length), algorithm, digest) === 'listed' ? 'listed' : best;
}

const isExcluded = ({ excludes }: ImaPolicy, name: string): boolean =>
  isPlainPath(name) && excludes.some((glob) => globMatches(glob, name));

function isAgent(agent: ImaRules['agent'], entry: ImaEntry): boolean {
  const { digest, name } = entry.fields;
  if (agent === undefined || entry.violation || name !== agent.path || !hasDigestAndName(entry)) return false;
  return digest?.algorithm === 'sha256' && digest.kind !== 'verity' && hex(digest.value) === agent.sha256;
}
