import type { Appraised } from '@vouchsafe/domain/attestation/appraisal';
import { isKnownTpm } from '@vouchsafe/domain/attestation/appraisal';
import { packBundle, packPolicy, unpackBundle, unpackPolicy } from '@vouchsafe/domain/attestation/bundle/bundle-file';
import { type BundleStatement, contentDigest, signBundle } from '@vouchsafe/domain/attestation/bundle/bundle-statement';
import { type BundleContent, contentOf } from '@vouchsafe/domain/attestation/bundle/evidence-bundle';
import type { EvidenceSettings } from '@vouchsafe/domain/attestation/bundle/evidence-settings';
import type { PolicyDocument } from '@vouchsafe/domain/attestation/policy-digest';
import type { VerdictRecord } from '@vouchsafe/domain/attestation/verdict-record';
import { Problem } from '@vouchsafe/domain/problem';
import type { TokenSigner } from './attestation-service.ts';
import type { EvidenceArchive, KeptBundle, KeptVerdict } from './evidence-archive.ts';

/** A verdict as it was given. */
export interface GivenVerdict {
  readonly appraised: Appraised;
  readonly record: VerdictRecord;
  /** What `consume` answered; undefined when the appraisal did not come so far. */
  readonly consumed: boolean | undefined;
}

export interface EvidenceKeeperInput {
  readonly archive: EvidenceArchive;
  readonly settings: () => EvidenceSettings;
  readonly signer: () => TokenSigner;
  readonly instance: string;
  readonly group: string;
  readonly caPem: string;
  /** Is told why evidence was not kept, or could not be deleted. */
  readonly lost: (why: string) => void;
}

/** Bundles on their way to the disk, and bytes in them: more are not kept, so that verdicts never wait for a disk. */
const [maxWaiting, maxWaitingBytes] = [256, 64 * 1024 * 1024];
/** What senders who proved nothing may take of it: bundles a minute, bytes of one, and part of the whole archive. */
const [unprovenAMinute, unprovenBytes, unprovenShare] = [10, 1024 * 1024, 0.1];
/** Bundles, and share of the whole archive, after which too much is looked for. */
const [pruneEvery, pruneShare] = [64, 0.05];
const day = 24 * 3600 * 1000;

interface Waiting {
  readonly verdict: KeptVerdict;
  readonly content: BundleContent;
  readonly given: GivenVerdict;
  readonly size: number;
}

/**
 * Keeps evidence beside the verdicts, as the settings say. It never makes a verdict wait or fail: what cannot be kept
 * is counted and told, and the audit record has its digest in any case.
 */
export class EvidenceKeeper {
  readonly #input: EvidenceKeeperInput;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #working: Promise<void> | undefined;
  #unproven = { minute: 0, kept: 0 };
  /** Verdicts since the start whose evidence should have been kept and was not. */
  lost = 0;

  constructor(input: EvidenceKeeperInput) {
    this.#input = input;
  }

  keep(given: GivenVerdict): void {
    const { appraisal, trusted } = given.appraised;
    const { keep } = this.#input.settings();
    if (keep === 'none' || (keep === 'refused' && trusted)) return;
    const verdict = trusted ? 'trusted' : isKnownTpm(appraisal) ? 'refused' : 'unproven';
    const { eventLog, imaLog } = appraisal.input.evidence;
    const size = (eventLog?.length ?? 0) + (imaLog?.length ?? 0) + 8192;
    if (verdict === 'unproven' && (size > unprovenBytes || !this.#mayKeepUnproven(appraisal.input.now))) return;
    if (this.#waiting.length >= maxWaiting || this.#bytes + size > maxWaitingBytes) {
      this.#lose('verdicts come faster than they can be written');
      return;
    }
    this.#bytes += size;
    this.#waiting.push({ verdict, content: contentOf(appraisal, given.consumed), given, size });
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Newest first. */
  list(): KeptBundle[] {
    return this.#input.archive.list();
  }

  /**
   * A bundle as one file of its own: with the policy of its day and the CA of the group.
   * @throws {Problem} `file.unreadable`, `input.malformed`
   */
  export(bundle: KeptBundle): Uint8Array {
    const { packed, policy } = this.#input.archive.read(bundle);
    return packBundle({ ...unpackBundle(packed), policy: unpackPolicy(policy), ca: this.#input.caPem });
  }

  /** Waits until everything that waits is on the disk. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  async #work(): Promise<void> {
    let [written, bytes] = [0, 0];
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        bytes += await this.#write(next);
        if (++written % pruneEvery === 0 || bytes > this.#input.settings().max_mb * 1024 * 1024 * pruneShare) {
          this.prune();
          bytes = 0;
        }
      } catch (error) {
        this.#lose((error as Error).message);
      } finally {
        this.#bytes -= next.size;
      }
    }
    this.prune();
  }

  /** Deletes what the settings no longer keep. */
  prune(now = new Date()): void {
    try {
      const { days, max_mb } = this.#input.settings();
      const bytes = max_mb * 1024 * 1024;
      const since = new Date(now.getTime() - days * day).toISOString();
      this.#input.archive.prune({ bytes, unprovenBytes: bytes * unprovenShare, since });
    } catch (error) {
      this.#input.lost(`what is too old or too much cannot be deleted: ${(error as Error).message}`);
    }
  }

  /** @returns bytes */
  async #write({ verdict, content, given: { appraised, record } }: Waiting): Promise<number> {
    const { archive, signer, instance, group } = this.#input;
    const { challenge, now, policy } = appraised.appraisal.input;
    const statement: BundleStatement = {
      v: 1,
      iss: instance,
      group,
      iat: now,
      verdict: { trusted: appraised.trusted, findings: [...appraised.findings] },
      ...record,
      content: contentDigest(content),
    };
    const { key, certificate } = signer();
    const signed = await signBundle(key, certificate, statement);
    // The policy first: a bundle that stands there can be repeated.
    if (!archive.has(record.policy)) await archive.putPolicy(record.policy, packPolicy(documentsOf(policy.documents)));
    const time = new Date(now * 1000).toISOString();
    const named = { id: record.evidence, time, verdict, ek: challenge.ek, policy: record.policy };
    const packed = packBundle({ v: 1, statement: signed, content });
    await archive.put(named, packed);
    return packed.length;
  }

  #mayKeepUnproven(now: number): boolean {
    const minute = Math.floor(now / 60);
    if (minute !== this.#unproven.minute) this.#unproven = { minute, kept: 0 };
    return this.#unproven.kept++ < unprovenAMinute;
  }

  #lose(why: string): void {
    this.lost++;
    this.#input.lost(why);
  }
}

function documentsOf(documents: readonly PolicyDocument[] | undefined): readonly PolicyDocument[] {
  if (documents === undefined) throw new Problem('internal', 'the policy has no documents');
  return documents;
}
