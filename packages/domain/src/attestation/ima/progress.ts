import { fromHex, hex } from '@vouchsafe/bytes/hex';
import type { Bank } from '@vouchsafe/eventlog/algorithms';
import type { ImaEntry } from '@vouchsafe/eventlog/ima/log';
import { type ImaMatch, matchImaPrefix, replayIma } from '@vouchsafe/eventlog/ima/replay';
import Type from 'typebox';
import { Judged } from './judged.ts';

/** The PCR of IMA (Linux: CONFIG_IMA_MEASURE_PCR_IDX). */
export const imaPcr = 10;

/**
 * What is known of the IMA log of one boot after a round: how many entries a quote accounted for, the value of PCR 10
 * behind them, and what was judged of them. The next round needs only the entries after these. It is kept by boot
 * (endorsement key, attestation key, resetCount, restartCount), as JSON of a few hundred bytes.
 */
export const ImaProgress = Type.Object(
  {
    v: Type.Literal(1),
    bank: Type.Literal('sha256'),
    /** How the kernel of this host extends this bank. */
    rule: Type.Union([Type.Literal('hash'), Type.Literal('paddedSha1')]),
    /** PCR 10 behind the entries, in hexadecimal. */
    value: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    /** Entries, from the first of the boot. */
    entries: Type.Integer({ minimum: 0 }),
    /** Absent when the image asks for no judgement of the entries. */
    judged: Type.Optional(Judged),
  },
  { additionalProperties: false },
);
export type ImaProgress = Type.Static<typeof ImaProgress>;

/** Where a replay begins. */
export interface ImaStart {
  readonly bank: Bank;
  /** Value of PCR 10 before the first new entry. */
  readonly value: Uint8Array;
  /** Entries before the first new one. */
  readonly entries: number;
  /** How the kernel extends; undefined while no entry has shown it. */
  readonly rule?: ImaMatch['rule'] | undefined;
}

/** How far a quote accounts for a log. */
export interface ImaContinuation extends Required<ImaStart> {
  readonly rule: ImaMatch['rule'];
  /** How many of the new entries are proven; later ones were added after the quote. */
  readonly covered: number;
}

/** Where a log begins that is sent whole: firmware may have extended PCR 10 before. */
export const startOfBoot = (bank: Bank, initial: Uint8Array): ImaStart => ({ bank, value: initial, entries: 0 });

/** Where a log goes on whose first entries are known. */
export const startAfter = ({ bank, value, entries, rule }: ImaProgress): ImaStart => ({
  bank,
  value: fromHex(value),
  entries,
  rule: entries === 0 ? undefined : rule,
});

/**
 * Replays entries from a known value of PCR 10. A log from which entries were left out, to which some were added, or
 * that begins elsewhere than is claimed leads to another value: only the host's own history leads to what was quoted.
 * @param quoted PCR 10 as the quote vouches for it
 * @returns undefined when no number of the entries leads to the quoted value
 */
export function continueIma(
  start: ImaStart,
  entries: readonly ImaEntry[],
  quoted: Uint8Array,
): ImaContinuation | undefined {
  const match = matchImaPrefix(entries, start.bank, quoted, {
    pcr: imaPcr,
    initial: new Map([[imaPcr, start.value]]),
    ...(start.rule === undefined ? {} : { rules: [start.rule] }),
  });
  if (match === undefined) return undefined;
  const { entries: covered, rule } = match;
  return { bank: start.bank, value: quoted, entries: start.entries + covered, rule, covered };
}

/** Whether a whole log passes through what was known of the same boot before; a PCR cannot forget. */
export function passesThrough(start: ImaStart, entries: readonly ImaEntry[], known: ImaProgress): boolean {
  if (entries.length < known.entries) return false;
  const options = { rule: known.rule, initial: new Map([[imaPcr, start.value]]) };
  const value = replayIma(entries.slice(0, known.entries), start.bank, options).get(imaPcr) ?? start.value;
  return hex(value) === known.value;
}
