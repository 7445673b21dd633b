import { Problem } from '../problem.ts';

/**
 * The firmware version of a TPM. TPMS_ATTEST.firmwareVersion (TPM 2.0 Part 2, 10.12.12) is TPM_PT_FIRMWARE_VERSION_1
 * followed by TPM_PT_FIRMWARE_VERSION_2 (Part 2, 6.13). What stands in them is the maker's business, but Infineon,
 * STMicroelectronics and Nuvoton agree on major and minor number as 16 bits each in the first; how the second is
 * divided differs.
 */
export interface FirmwareRange {
  /** First version that is meant, in the notation of `readFirmware`. */
  readonly from: string;
  /** First version behind `from` that is not meant any more. */
  readonly below: string;
}

/** As 16 hexadecimal digits, as records keep it. */
export const firmwareText = (version: bigint): string => version.toString(16).padStart(16, '0');

/** For people: four numbers of 16 bits. */
export const firmwareWords = (version: bigint): string =>
  [48n, 32n, 16n, 0n].map((shift) => (version >> shift) & 0xffffn).join('.');

const parts = /^\d{1,5}(?:\.\d{1,5}){1,3}$/;

/**
 * Reads `MAJOR.MINOR`, `MAJOR.MINOR.REST` or all four numbers of 16 bits; what is left out is 0.
 * @throws {Problem} `input.invalid` naming the field
 */
export function readFirmware(text: string, field: string): bigint {
  const numbers = parts.test(text) ? text.split('.').map(Number) : [];
  if (numbers.length === 0 || numbers.some((number) => number > 0xffff)) {
    throw new Problem('input.invalid', `${field}: expected MAJOR.MINOR, or four numbers up to 65535 with dots`);
  }
  return [0, 1, 2, 3].reduce((sum, at) => (sum << 16n) | BigInt(numbers[at] ?? 0), 0n);
}

/** @throws {Problem} `input.invalid` */
export const isInRange = (version: bigint, { from, below }: FirmwareRange): boolean =>
  version >= readFirmware(from, 'from') && version < readFirmware(below, 'below');
