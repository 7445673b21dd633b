import { hex } from '@vouchsafe/bytes/hex';
import { type BootRecord, countersArePlain } from '@vouchsafe/domain/attestation/boot-record';
import type { Challenge } from '@vouchsafe/domain/attestation/challenge';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import { decodeAttest } from '@vouchsafe/tpm2/attest';
import { nameOf } from '@vouchsafe/tpm2/name';

const collection = 'boots';
/** Attestation keys of one TPM that are remembered, where they cannot be compared with one another. */
const maxKeys = 4;

/** The last quotes of one TPM. */
interface BootHistory {
  /** Of whichever AK shows the counters as they are: all of those are compared with one another. */
  readonly plain?: BootRecord;
  /** Of other AKs, the last one at the end. */
  readonly keys: readonly BootRecord[];
}

/**
 * What each TPM said last, by EK. It is read from the store once, and what is new is written by `flush`: thousands of
 * hosts attest in a minute, and each transaction is synced to the disk.
 */
export class BootHistories {
  readonly #store: ConfigStore;
  readonly #histories = new Map<string, BootHistory>();
  /** The last quote of each AK, beside whichever EK: the AK is the same beside all EKs of a TPM. */
  readonly #byAk = new Map<string, BootRecord>();
  readonly #changed = new Set<string>();

  constructor(store: ConfigStore) {
    this.#store = store;
    for (const { name, body } of store.listState(collection)) {
      this.#histories.set(name, historyOf(body));
      for (const record of this.of(name)) this.#byAk.set(record.ak, later(record, this.#byAk.get(record.ak)));
    }
  }

  /**
   * What a quote is to be compared with. Whether its counters are plain is taken from the quote itself, which the
   * comparison looks at only when its signature is good.
   * @param attest TPMS_ATTEST
   */
  last({ ek, ak }: Challenge, attest: Uint8Array): BootRecord | undefined {
    const { plain, keys } = this.#histories.get(ek) ?? { keys: [] };
    const own = this.#byAk.get(hex(nameOf(ak)));
    if (plain !== undefined && (own === undefined || isPlain(ak, attest))) return later(plain, own);
    return own ?? keys.at(-1);
  }

  /** All that is known of a TPM, the newest last. */
  of(ek: string): readonly BootRecord[] {
    const { plain, keys } = this.#histories.get(ek) ?? { keys: [] };
    return plain === undefined ? keys : [...keys, plain];
  }

  put(ek: string, record: BootRecord): void {
    const { plain, keys } = this.#histories.get(ek) ?? { keys: [] };
    const others = keys.filter(({ ak }) => ak !== record.ak);
    const next: BootHistory = record.plain
      ? { plain: record, keys: others }
      : { ...(plain === undefined ? {} : { plain }), keys: [...others, record].slice(-maxKeys) };
    const kept = new Set([next.plain?.ak, ...next.keys.map(({ ak }) => ak)]);
    for (const { ak } of this.of(ek)) if (!kept.has(ak)) this.#byAk.delete(ak);
    this.#histories.set(ek, next);
    this.#byAk.set(record.ak, record);
    this.#changed.add(ek);
  }

  /**
   * Forgets a TPM, for instance after it was cleared on purpose; its next quote is the first.
   * @param recording makes the change in the store, and may refuse it
   * @returns whether the TPM was known
   */
  forget(ek: string, recording: (change: () => void) => void = (change) => change()): boolean {
    recording(() => this.#store.deleteState(collection, ek));
    for (const { ak } of this.of(ek)) this.#byAk.delete(ak);
    this.#changed.delete(ek);
    return this.#histories.delete(ek);
  }

  /** Writes what is new, in one transaction. */
  flush(): void {
    if (this.#changed.size === 0) return;
    this.#store.together(() => {
      for (const ek of this.#changed) this.#store.putState(collection, ek, this.#histories.get(ek));
    });
    this.#changed.clear();
  }
}

/** The one that the TPM said last; of counters that can be compared. */
function later(a: BootRecord, b: BootRecord | undefined): BootRecord {
  if (b === undefined || (!b.plain && a.plain)) return a;
  const order =
    a.resetCount - b.resetCount || a.restartCount - b.restartCount || Number(BigInt(a.clock) - BigInt(b.clock));
  return order >= 0 ? a : b;
}

function isPlain(ak: Uint8Array, attest: Uint8Array): boolean {
  try {
    return countersArePlain(ak, decodeAttest(attest));
  } catch {
    return false;
  }
}

/** Versions before 0.2 stored one record, of the last AK. */
const historyOf = (stored: unknown): BootHistory =>
  typeof stored === 'object' && stored !== null && 'keys' in stored
    ? (stored as BootHistory)
    : { keys: [stored as BootRecord] };
