import { hex } from '@vouchsafe/bytes/hex';

type Values = ReadonlyMap<number, Uint8Array>;

/** Values of PCRs by number, in hexadecimal. */
export const valuesInHex = (values: Values): Record<string, string> =>
  Object.fromEntries([...values].map(([pcr, value]) => [String(pcr), hex(value)]));

/** Values of PCRs by bank and number, in hexadecimal. */
export const banksInHex = (banks: ReadonlyMap<string, Values>): Record<string, Record<string, string>> =>
  Object.fromEntries([...banks].map(([bank, values]) => [bank, valuesInHex(values)]));
