import { createHash } from 'node:crypto';
import { type Appraisal, type Appraised, type BootKey, bootOf } from '@vouchsafe/domain/attestation/appraisal';
import type { Challenge } from '@vouchsafe/domain/attestation/challenge';
import { otherBanksIn } from '@vouchsafe/domain/attestation/checks/event-log-banks';
import { HeldLog } from '@vouchsafe/domain/attestation/held-log';
import { type ImaProgress, imaPcr } from '@vouchsafe/domain/attestation/ima/progress';
import type { ReportAnswer } from '@vouchsafe/domain/attestation/messages';
import type { AttestationPolicy } from '@vouchsafe/domain/attestation/policy';
import { policyDigest } from '@vouchsafe/domain/attestation/policy-digest';
import type { Finding } from '@vouchsafe/domain/attestation/verdict';
import type { Bank } from '@vouchsafe/eventlog/algorithms';
import { initialValue, startupLocality } from '@vouchsafe/eventlog/replay';
import { decodeAttest } from '@vouchsafe/tpm2/attest';

/** Hosts of which something is held: those that attested last. About two kilobytes each. */
const maxHosts = 20_000;
/** Logs that several hosts may have. */
const maxShared = 1_000;

/** What is held of one host: its last boot that was trusted. */
interface HeldBoot {
  readonly boot: BootKey;
  /** Policy and epoch under which it was judged. */
  readonly policy: string;
  readonly log: HeldLog;
  /** Of the boot, whatever the policy: what was judged of the entries names its own rules. */
  readonly ima: ImaProgress | undefined;
}

/**
 * What this instance holds of the evidence of boots that it trusted, so that hosts need not send their logs every time.
 * It lies in memory and is bounded; what is forgotten is asked for again. Only one boot of a host is held, by its EK:
 * with another AK, after another start or under another policy nothing is held.
 */
export class HeldEvidence {
  readonly #hosts = new Map<string, HeldBoot>();
  readonly #shared = new Map<string, HeldLog>();
  readonly #findings = new Map<string, readonly Finding[]>();

  /** The log of a boot, if it was judged under this policy. */
  log(boot: BootKey, policy: AttestationPolicy): HeldLog | undefined {
    const held = this.#hosts.get(boot.ek);
    return held !== undefined && sameBoot(held.boot, boot) && held.policy === nameOfPolicy(policy)
      ? held.log
      : undefined;
  }

  /**
   * What is known of the IMA log of the boot that a quote tells of; the quote need not have been looked at.
   * @param attest TPMS_ATTEST
   */
  ima(challenge: Challenge, attest: Uint8Array): ImaProgress | undefined {
    const held = this.#hosts.get(challenge.ek);
    if (held?.ima === undefined) return undefined;
    try {
      return sameBoot(held.boot, bootOf(challenge, decodeAttest(attest))) ? held.ima : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps what a trusted appraisal showed. @returns what the host may refer to from now on */
  keep({ appraisal, ofLog }: Appraised): NonNullable<ReportAnswer['held']> {
    const { challenge, policy } = appraisal.input;
    const boot = bootOf(challenge, appraisal.get('attest'));
    const ima = appraisal.has('imaProgress') ? appraisal.get('imaProgress') : undefined;
    const log = appraisal.has('held') ? appraisal.get('held') : this.#share(appraisal, ofLog);
    // Written anew, so that the host that was silent for longest stands first.
    this.#hosts.delete(boot.ek);
    this.#hosts.set(boot.ek, { boot, policy: nameOfPolicy(policy), log, ima });
    forgetFirst(this.#hosts, maxHosts);
    return { event_log_sha256: log.sha256, ima_entries: ima?.entries ?? 0 };
  }

  /** Hosts of one model have one log but for their serial numbers; of those that are equal one is held. */
  #share(appraisal: Appraisal, ofLog: Appraised['ofLog']): HeldLog {
    const { evidence, policy, challenge } = appraisal.input;
    const sha256 = createHash('sha256')
      .update(evidence.eventLog ?? new Uint8Array())
      .digest('hex');
    const image = appraisal.get('image').name;
    // Which banks were replayed depends on what the host offered.
    const key = [sha256, nameOfPolicy(policy), image, ...(challenge.banks ?? [])].join();
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const findings = new Map([...ofLog].map(([check, found]) => [check, this.#shareFindings(found)]));
    const values = new Map<Bank, ReadonlyMap<number, Uint8Array>>(appraisal.get('bankValues'));
    values.set(challenge.bank, accountedFor(appraisal));
    const log = new HeldLog({ sha256, image, findings, values, banks: otherBanksIn(appraisal) });
    this.#shared.set(key, log);
    forgetFirst(this.#shared, maxShared);
    return log;
  }

  #shareFindings(found: readonly Finding[]): readonly Finding[] {
    const key = JSON.stringify(found);
    const known = this.#findings.get(key) ?? found;
    this.#findings.set(key, known);
    forgetFirst(this.#findings, maxShared);
    return known;
  }
}

const sameBoot = (a: BootKey, b: BootKey): boolean =>
  a.ek === b.ek && a.ak === b.ak && a.resetCount === b.resetCount && a.restartCount === b.restartCount;

const nameOfPolicy = (policy: AttestationPolicy): string => `${policyDigest(policy)}/${policy.epoch}`;

/**
 * Where the log leads, by quoted PCR but that of IMA. Not the quoted values: hosts share a log, and what the running
 * system of each measured behind it is its own.
 */
function accountedFor(appraisal: Appraisal): Map<number, Uint8Array> {
  const { bank } = appraisal.input.challenge;
  const replayed = appraisal.get('replayed');
  const locality = startupLocality(appraisal.get('log'));
  const pcrs = [...appraisal.get('pcrs').keys()].filter((pcr) => pcr !== imaPcr);
  return new Map(pcrs.map((pcr) => [pcr, replayed.get(pcr) ?? initialValue(bank, pcr, locality)]));
}

function forgetFirst(map: Map<string, unknown>, limit: number): void {
  if (map.size <= limit) return;
  const [first] = map.keys();
  if (first !== undefined) map.delete(first);
}
