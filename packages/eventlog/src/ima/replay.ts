import { hash } from 'node:crypto';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { algorithms, type Bank, digest } from '../algorithms.ts';
import { EventLogError } from '../error.ts';
import type { ImaEntry } from './log.ts';

/** What the kernel extends into a bank. */
export const imaRules = {
  /** The bank's own hash of the template data. */
  hash: 'hash of the template data',
  /**
   * A kernel without the bank's hash at hand when IMA starts ("ima: Can not allocate sha384") extends the SHA-1 of the
   * template data, filled up with zeros (ima_crypto.c, ima_calc_field_array_hash). Kernels before 5.8 do so in every bank.
   */
  paddedSha1: 'SHA-1 of the template data, filled up with zeros',
} as const;
export type ImaRule = keyof typeof imaRules;

/** The digest that an entry extended. A violation extends ones. */
export function extendedDigest(entry: ImaEntry, bank: Bank, rule: ImaRule = 'hash'): Uint8Array {
  const { size, node } = algorithms[bank];
  if (entry.violation) return new Uint8Array(size).fill(0xff);
  if (rule === 'hash') return hash(node, entry.hashed, 'buffer');
  const padded = new Uint8Array(size);
  padded.set(digest('sha1', entry.hashed).subarray(0, size));
  return padded;
}

/** Where a replay begins, and by which rule the kernel extended. */
export interface ImaReplayOptions {
  readonly rule?: ImaRule;
  /** PCR values before the first entry, for a log that continues an earlier one; absent PCRs begin with zeros. */
  readonly initial?: ReadonlyMap<number, Uint8Array>;
}

/** The PCR values after all entries (of the PCRs that the log extends, nearly always PCR 10). */
export function replayIma(
  entries: Iterable<ImaEntry>,
  bank: Bank,
  options: ImaReplayOptions = {},
): Map<number, Uint8Array> {
  const { rule = 'hash', initial } = options;
  const pcrs = new Map<number, Uint8Array>();
  for (const entry of entries) {
    const before = pcrs.get(entry.pcr) ?? initial?.get(entry.pcr) ?? new Uint8Array(algorithms[bank].size);
    pcrs.set(entry.pcr, digest(bank, before, extendedDigest(entry, bank, rule)));
  }
  return pcrs;
}

/**
 * How many of the entries, from the first on, account for a PCR value by one rule; undefined when no number of them does.
 * A log that was read after the quote holds later entries: only the counted ones are proven.
 */
export function coveredEntries(
  entries: readonly ImaEntry[],
  bank: Bank,
  pcr: number,
  quoted: Uint8Array,
  { rule = 'hash', initial }: ImaReplayOptions = {},
): number | undefined {
  const { size, node } = algorithms[bank];
  // The old value and what is extended, in one buffer that is written again and again: logs are long.
  const both = new Uint8Array(2 * size);
  both.set(initial?.get(pcr) ?? new Uint8Array(size));
  if (isQuoted(both, quoted, size)) return 0;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.pcr !== pcr) continue;
    both.set(extendedDigest(entry, bank, rule), size);
    both.set(hash(node, both, 'buffer'));
    if (isQuoted(both, quoted, size)) return i + 1;
  }
  return undefined;
}

/** Values of PCRs are no secrets. */
function isQuoted(value: Uint8Array, quoted: Uint8Array, size: number): boolean {
  for (let at = 0; at < size; at++) if (value[at] !== quoted[at]) return false;
  return quoted.length === size;
}

/** How much of a log a PCR value accounts for, and by which rule the kernel extends. */
export interface ImaMatch {
  readonly entries: number;
  readonly rule: ImaRule;
}

/** As `coveredEntries`, by whichever rule fits: a host does not say which one its kernel follows. */
export function matchImaPrefix(
  entries: readonly ImaEntry[],
  bank: Bank,
  quoted: Uint8Array,
  {
    pcr = 10,
    initial,
    rules = ['hash', 'paddedSha1'],
  }: {
    readonly pcr?: number;
    readonly initial?: ReadonlyMap<number, Uint8Array>;
    /** In the order in which they are tried; a log that goes on follows the one that it began with. */
    readonly rules?: readonly ImaRule[];
  } = {},
): ImaMatch | undefined {
  for (const rule of rules) {
    const covered = coveredEntries(entries, bank, pcr, quoted, { rule, ...(initial ? { initial } : {}) });
    if (covered !== undefined) return { entries: covered, rule };
  }
  return undefined;
}

/**
 * Checks the log's own column of template hashes. The column is not what the TPM saw; a wrong one tells of damage.
 * @throws {EventLogError} `templateHash.mismatch` for the first entry whose hash is not that of its template data
 */
export function checkTemplateHashes(entries: Iterable<ImaEntry>): void {
  for (const entry of entries) {
    if (entry.violation) continue;
    const bank = bankBySize.get(entry.templateHash.length) ?? 'sha1';
    if (!equalBytes(digest(bank, entry.hashed), entry.templateHash)) {
      throw new EventLogError(
        'templateHash.mismatch',
        `entry ${entry.index}: the template hash does not match`,
        entry.index,
      );
    }
  }
}

const bankBySize = new Map<number, Bank>(
  (['sha1', 'sha256', 'sha384', 'sha512'] as const).map((b) => [algorithms[b].size, b]),
);
