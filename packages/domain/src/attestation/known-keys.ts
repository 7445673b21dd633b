import type { HostRecord } from './host-record.ts';

/** What the registry knows of the keys of a challenge, apart from the row of its EK. */
export interface KnownKeys {
  /** Rows of other EKs that were proven beside this AK: AKs leave no TPM, so these are keys of the same one. */
  readonly sameTpm: readonly HostRecord[];
  /** The row whose endorsement key is presented as attestation key here. */
  readonly akIsEkOf: HostRecord | undefined;
}

/** Keys that nobody has seen before. */
export const unknownKeys: KnownKeys = { sameTpm: [], akIsEkOf: undefined };
