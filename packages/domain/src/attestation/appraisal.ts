import { hex } from '@vouchsafe/bytes/hex';
import type { ImaEntry } from '@vouchsafe/eventlog/ima/log';
import type { EventLog } from '@vouchsafe/eventlog/log';
import type { ProvenFacts } from '@vouchsafe/eventlog/proven';
import type { TpmsAttestFrame, TpmsQuoteInfo } from '@vouchsafe/tpm2/attest';
import { nameOf } from '@vouchsafe/tpm2/name';
import type { TpmtPublic } from '@vouchsafe/tpm2/public';
import type { BaseImage } from './base-image.ts';
import type { BootRecord } from './boot-record.ts';
import type { Candidate } from './candidate.ts';
import type { Challenge } from './challenge.ts';
import type { AgentClaims } from './claims.ts';
import type { EkQuirk } from './ek-quirks.ts';
import type { DecodedEvidence } from './evidence.ts';
import type { FindingId } from './findings.ts';
import type { HeldLog } from './held-log.ts';
import type { HostRecord } from './host-record.ts';
import type { ImaContinuation, ImaProgress } from './ima/progress.ts';
import type { KnownKeys } from './known-keys.ts';
import type { OtherBank } from './messages.ts';
import type { AttestationPolicy } from './policy.ts';
import type { TpmAttributes } from './tpm-attributes.ts';
import { type Finding, fail, type Verdict, verdictOf } from './verdict.ts';

/** One boot of one TPM, as its quotes tell it. */
export interface BootKey {
  readonly ek: string;
  /** Name of the AK, in hexadecimal. */
  readonly ak: string;
  readonly resetCount: number;
  readonly restartCount: number;
}

/** The boot that a quote tells of. */
export const bootOf = ({ ek, ak }: Challenge, { clockInfo }: TpmsAttestFrame): BootKey => ({
  ek,
  ak: hex(nameOf(ak)),
  resetCount: clockInfo.resetCount,
  restartCount: clockInfo.restartCount,
});

export interface AppraisalInput {
  readonly challenge: Challenge;
  readonly evidence: DecodedEvidence;
  readonly policy: AttestationPolicy;
  readonly host: HostRecord | undefined;
  readonly known?: KnownKeys;
  /** What a quote under this AK is compared with: its own last one, or that of another AK. */
  readonly lastBoot: BootRecord | undefined;
  /** What is known of the IMA log of this very boot: same EK, AK, resetCount and restartCount. */
  readonly imaProgress?: ImaProgress | undefined;
  /** What is held of the event log of a boot, under the policy of this appraisal. */
  readonly held?: (boot: BootKey) => HeldLog | undefined;
  /** Seconds since 1970. */
  readonly now: number;
  /** Consumes the challenge; false when it was consumed before. Test and entry are one step. */
  readonly consume: (jti: string) => boolean;
}

/**
 * One appraisal on its way through the checks. Each check reads what earlier ones proved and leaves what it proved
 * itself; a fact that is not here was not proven, and a check that needs it cannot run.
 */
export class Appraisal {
  readonly input: AppraisalInput;
  #proven: Partial<Proven> = {};

  constructor(input: AppraisalInput) {
    this.input = input;
  }

  /** @throws {TypeError} when no earlier check proved it; the appraisal then ends as a reject */
  get<K extends keyof Proven>(fact: K): Proven[K] {
    const value = this.#proven[fact];
    if (value === undefined) throw new TypeError(`${fact} was not proven`);
    return value as Proven[K];
  }

  has(fact: keyof Proven): boolean {
    return this.#proven[fact] !== undefined;
  }

  prove<K extends keyof Proven>(fact: K, value: Proven[K]): void {
    this.#proven[fact] = value;
  }
}

/** What checks prove, each named after the thing and proven by the check in brackets. */
export interface Proven {
  /** [ak.attributes] */
  ak: TpmtPublic;
  /** [quote.signature] read from signed bytes */
  attest: TpmsAttestFrame;
  /** [quote.extra-data] */
  claims: AgentClaims;
  /** [quote.type] */
  quote: TpmsQuoteInfo;
  /** [quote.digest] values that the quote vouches for, by PCR */
  pcrs: ReadonlyMap<number, Uint8Array>;
  /** [quote.digest] of other banks that were asked for, PCR 0 to 7 */
  banks: ReadonlyMap<OtherBank, ReadonlyMap<number, Uint8Array>>;
  /** [eventlog.banks] what the log accounts for in them, of banks that it covers */
  bankValues: ReadonlyMap<OtherBank, ReadonlyMap<number, Uint8Array>>;
  /** [evidence.held] only when the host refers to its event log instead of sending it */
  held: HeldLog;
  /** [eventlog.replay] digests and order are proven, types and data are not */
  log: EventLog;
  /** [eventlog.replay] what the log accounts for, by PCR, PCR 10 included */
  replayed: ReadonlyMap<number, Uint8Array>;
  /** [eventlog.facts] what the log proves, of the quoted PCRs only */
  facts: ProvenFacts;
  /** [ek.certificate] `undefined` is never set: absent when the EK has no certificate that counts */
  tpm: HostRecord['tpm'];
  /** [ek.certificate] what the certificate of the EK says of its TPM */
  certificate: TpmAttributes & { readonly quirks: readonly EkQuirk[] };
  /** [host.enrolled] */
  host: HostRecord;
  /** [image.match] the active image that the host has, or the composition of two */
  image: BaseImage;
  /** [image.match] where that image comes from */
  matched: Candidate;
  /** [image.match] names of the staged images that the host has: the dry run beside the verdict */
  staged: readonly string[];
  /** [ima.replay] the entries that were sent and that the quote accounts for, and where they leave PCR 10 */
  ima: ProvenIma;
  /** [ima.files] what to remember of the IMA log for the next round of this boot */
  imaProgress: ImaProgress;
}

/** IMA entries that a quote accounts for. */
export interface ProvenIma extends ImaContinuation {
  /** The new ones, in order; those before them were proven in an earlier round. */
  readonly proven: readonly ImaEntry[];
}

/** A named check of the appraisal. */
export interface Check {
  /** Also a finding's: what the check stops stands in the table of findings. */
  readonly id: FindingId;
  /** When it fails nothing after it can be believed, so nothing after it runs. */
  readonly gate?: true;
  /** Nothing after it runs for a TPM that neither a maker certified nor anybody listed: anybody can make one up. */
  readonly gateForStrangers?: true;
  /**
   * What it finds follows from the event log, the quoted values, the image and the policy alone, not from time, host or
   * anything else: for a log that is held it is not made again. What it proves is not there then.
   */
  readonly ofLog?: true;
  run(appraisal: Appraisal): Finding[];
}

export interface Appraised extends Verdict {
  readonly appraisal: Appraisal;
  /** Findings of the checks that read nothing but the log. */
  readonly ofLog: ReadonlyMap<string, readonly Finding[]>;
  /** The host referred to logs, and something after them failed: no verdict, it must send them. */
  readonly wantsLogs: boolean;
}

/**
 * Runs the checks in their order and lists all they find. Default deny: an exception is a reject, and so is an
 * appraisal that a gate ended or that did not prove all that a token says.
 * @param needed what must have been proven whatever checks there were
 */
export function appraise(
  input: AppraisalInput,
  checks: readonly Check[],
  needed: readonly (keyof Proven)[] = neededOfToken,
): Appraised {
  const appraisal = new Appraisal(input);
  const findings: Finding[] = [];
  const ofLog = new Map<string, readonly Finding[]>();
  let [complete, wantsLogs, atLogs] = [true, false, false];
  for (const check of checks) {
    const found = bounded(runOne(check, appraisal));
    findings.push(...found);
    const failed = found.some(({ severity }) => severity === 'fail');
    if (check.ofLog) ofLog.set(check.id, found);
    atLogs ||= check.id === 'eventlog.replay';
    wantsLogs ||= failed && input.evidence.reference !== undefined && (atLogs || check.id === 'evidence.held');
    if (failed && (check.gate || (check.gateForStrangers && !isKnownTpm(appraisal)))) {
      complete = false;
      break;
    }
  }
  const proven = needed.every((fact) => appraisal.has(fact));
  return { ...verdictOf(findings, complete && proven), appraisal, ofLog, wantsLogs };
}

/** What a token says, so what must have been proven by whatever checks there were. */
const neededOfToken = ['claims', 'tpm', 'host', 'image'] as const satisfies (keyof Proven)[];

/**
 * Whether the sender is more than a key that anybody can make up: it activated a credential, and its TPM is one of a
 * trusted maker or stands in the registry.
 */
export const isKnownTpm = (appraisal: Appraisal): boolean =>
  appraisal.has('claims') && (appraisal.has('tpm') || appraisal.input.host !== undefined);

/** Findings of one check that a verdict lists, and characters of one: a log may hold 65,536 reasons for them. */
const [mostFindings, longestDetail] = [64, 2048];

/** The findings that are listed, those that refuse first, and how many more there are. */
function bounded(found: readonly Finding[]): Finding[] {
  const short = found.map((each) =>
    each.detail.length > longestDetail ? { ...each, detail: `${each.detail.slice(0, longestDetail)}...` } : each,
  );
  if (short.length <= mostFindings) return short;
  const refusing = short.filter(({ severity }) => severity === 'fail');
  const listed = [...refusing, ...short.filter(({ severity }) => severity !== 'fail')].slice(0, mostFindings);
  const [first] = listed;
  if (first === undefined) return listed;
  const more = `and ${short.length - mostFindings} more findings of this check`;
  return [...listed, { check: first.check, severity: first.severity, detail: more }];
}

function runOne(check: Check, appraisal: Appraisal): Finding[] {
  try {
    return check.ofLog && appraisal.has('held') ? heldFindings(check.id, appraisal) : check.run(appraisal);
  } catch (error) {
    return [fail(check.id, `the check could not be made: ${(error as Error).message}`)];
  }
}

/** What the check found when the log was there. @throws {TypeError} when it was not made for this image */
function heldFindings(check: FindingId, appraisal: Appraisal): Finding[] {
  const held = appraisal.get('held');
  const found = held.findings.get(check);
  if (found === undefined || (appraisal.has('image') && appraisal.get('image').name !== held.image))
    throw new TypeError('it is not held what the log showed');
  return [...found];
}
