import { equalBytes } from '@vouchsafe/bytes/equal';
import { hex } from '@vouchsafe/bytes/hex';
import type { TpmsAttestFrame } from '@vouchsafe/tpm2/attest';
import { nameOf, qualifiedNameOf } from '@vouchsafe/tpm2/name';

/** What is known of the last quote of an AK: a TPM that goes back in time is another one, or a copy. */
export interface BootRecord {
  /** Name of the AK, in hexadecimal. */
  readonly ak: string;
  readonly resetCount: number;
  readonly restartCount: number;
  /** Milliseconds, as decimal text: 64 bits. */
  readonly clock: string;
  readonly safe: boolean;
  /** Counters as the TPM has them, so comparable with those of another AK; see `countersArePlain`. */
  readonly plain?: boolean;
  /** TPMS_ATTEST.firmwareVersion, 16 hexadecimal digits; comparable for one AK, see `tpm.firmware`. */
  readonly firmware?: string;
  /** The kernel's name for its boot, on the host's word. */
  readonly bootId?: string;
  /** Seconds since 1970. */
  readonly at?: number;
}

/** The part of a quote that a record is made of. */
export type Quoted = Pick<TpmsAttestFrame, 'clockInfo'> &
  Partial<Pick<TpmsAttestFrame, 'qualifiedSigner' | 'firmwareVersion'>>;

/** What to remember of an accepted quote. */
export function bootRecordOf(
  ak: Uint8Array,
  quoted: Quoted,
  { bootId, at }: { readonly bootId?: string | undefined; readonly at?: number } = {},
): BootRecord {
  const { resetCount, restartCount, clock, safe } = quoted.clockInfo;
  const { firmwareVersion } = quoted;
  return {
    ak: hex(nameOf(ak)),
    resetCount,
    restartCount,
    clock: String(clock),
    safe,
    ...(countersArePlain(ak, quoted) ? { plain: true } : {}),
    ...(firmwareVersion === undefined ? {} : { firmware: firmwareVersion.toString(16).padStart(16, '0') }),
    ...(bootId === undefined ? {} : { bootId }),
    ...(at === undefined ? {} : { at }),
  };
}

/** TPM_RH_ENDORSEMENT and TPM_RH_PLATFORM (Part 2, 7.4). */
const plainHierarchies = [0x4000000b, 0x4000000c].map((handle) => Uint8Array.of(handle >>> 24, 0, 0, handle & 0xff));

/**
 * Whether a quote shows counters and firmware version as they are. A TPM hides them behind an offset of its own for each
 * key outside the hierarchies of endorsement and platform (Part 3, 18.1), so that such a key compares with itself only.
 * A primary key stands there when its Qualified Name says so.
 */
export function countersArePlain(ak: Uint8Array, { qualifiedSigner }: Quoted): boolean {
  if (qualifiedSigner === undefined) return false;
  const name = nameOf(ak);
  return plainHierarchies.some((hierarchy) => equalBytes(qualifiedNameOf(hierarchy, name), qualifiedSigner));
}
