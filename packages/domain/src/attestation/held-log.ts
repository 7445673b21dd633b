import { algorithms, type Bank } from '@vouchsafe/eventlog/algorithms';
import type { OtherBank } from './messages.ts';
import type { Finding } from './verdict.ts';

/**
 * What stays of an event log when it was judged: where it leads, and what the checks that read nothing but log, quoted
 * values and policy found. The log itself is not kept, so a service can hold this for ten thousand hosts. It only ever
 * confirms: whatever does not come out as before is judged with the log at hand, or not at all.
 */
export class HeldLog {
  /** SHA-256 of the log, hexadecimal. */
  readonly sha256: string;
  /** Name of the image that the boot matched; findings belong to it. */
  readonly image: string;
  /** By check. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
  /** Banks beside SHA-256 that the log has digests for. */
  readonly banks: readonly OtherBank[];
  readonly #values: ReadonlyMap<Bank, PackedValues>;

  constructor(of: {
    readonly sha256: string;
    readonly image: string;
    readonly findings: ReadonlyMap<string, readonly Finding[]>;
    readonly banks?: readonly OtherBank[];
    readonly values: ReadonlyMap<Bank, ReadonlyMap<number, Uint8Array>>;
  }) {
    this.sha256 = of.sha256;
    this.image = of.image;
    this.findings = of.findings;
    this.banks = of.banks ?? [];
    this.#values = new Map([...of.values].map(([bank, values]) => [bank, packed(bank, values)]));
  }

  /** The values that the log accounts for, by PCR; undefined for a bank that was not replayed. */
  values(bank: Bank): Map<number, Uint8Array> | undefined {
    const values = this.#values.get(bank);
    if (values === undefined) return undefined;
    const { size } = algorithms[bank];
    return new Map(values.pcrs.map((pcr, i) => [pcr, values.bytes.subarray(i * size, (i + 1) * size)]));
  }
}

/** All values in one piece: a typed array costs more than the digest in it. */
interface PackedValues {
  readonly pcrs: readonly number[];
  readonly bytes: Uint8Array;
}

function packed(bank: Bank, values: ReadonlyMap<number, Uint8Array>): PackedValues {
  const { size } = algorithms[bank];
  const bytes = new Uint8Array(values.size * size);
  for (const [i, value] of [...values.values()].entries()) bytes.set(value, i * size);
  return { pcrs: [...values.keys()], bytes };
}
