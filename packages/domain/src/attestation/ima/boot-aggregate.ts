import { equalBytes } from '@vouchsafe/bytes/equal';
import { type Bank, digest } from '@vouchsafe/eventlog/algorithms';
import type { ImaEntry } from '@vouchsafe/eventlog/ima/log';
import { hasDigestAndName } from './judge.ts';

/** Name of the first entry of every log. */
const name = 'boot_aggregate';

/**
 * Last PCR of the aggregate: 9 since Linux 5.8 for all hashes but SHA-1, 7 before (ima_crypto.c,
 * ima_calc_boot_aggregate_tfm). Which kernel it was, the log does not say.
 */
const lastPcrs = [9, 7];

/** What the first entry of a log says of the boot that it follows. */
export type BootAggregate =
  /** `unquoted`: not all of PCR 0 to 9 were quoted, which `quote.selection` tells. */
  | { readonly state: 'missing' | 'other' | 'unquoted' }
  /** The kernel took the values of another bank, which is not quoted. */
  | { readonly state: 'bank'; readonly algorithm: string }
  | { readonly state: 'right'; readonly lastPcr: number };

export const isBootAggregate = (entry: ImaEntry | undefined): entry is ImaEntry =>
  entry !== undefined && !entry.violation && hasDigestAndName(entry) && entry.fields.name === name;

/** Compares the first entry with the hash over the quoted values. */
export function bootAggregateOf(
  first: ImaEntry | undefined,
  bank: Bank,
  pcrs: ReadonlyMap<number, Uint8Array>,
): BootAggregate {
  if (!isBootAggregate(first) || first.fields.digest === undefined) return { state: 'missing' };
  const { algorithm, value } = first.fields.digest;
  if (value.every((byte) => byte === 0)) return { state: 'other' };
  if (algorithm !== bank) return { state: 'bank', algorithm };
  if (upTo(9).some((pcr) => !pcrs.has(pcr))) return { state: 'unquoted' };
  const lastPcr = lastPcrs.find((last) => equalBytes(aggregate(bank, pcrs, last), value));
  return lastPcr === undefined ? { state: 'other' } : { state: 'right', lastPcr };
}

const aggregate = (bank: Bank, pcrs: ReadonlyMap<number, Uint8Array>, last: number) =>
  digest(bank, ...upTo(last).map((pcr) => pcrs.get(pcr) ?? new Uint8Array()));

const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, pcr) => pcr);
