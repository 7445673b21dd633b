import { hex } from '@vouchsafe/bytes/hex';
import { nameOf } from '@vouchsafe/tpm2/name';
import type { BootRecord, Check } from '../appraisal.ts';
import { fail, info } from '../verdict.ts';

/**
 * Stops a rolled-back or copied TPM: within one boot its clock only goes forward. Counters of another AK are not
 * compared, since a TPM hides them behind a different offset for each key (TPM 2.0 Part 1, 36.7).
 */
export const clock: Check = {
  id: 'tpm.clock',
  run(appraisal) {
    const last = appraisal.input.lastBoot;
    const { clockInfo } = appraisal.get('attest');
    const unsafe = clockInfo.safe
      ? []
      : [info(this.id, 'the TPM lost power without shutdown: its clock may repeat up to 70 minutes')];
    if (last === undefined || last.ak !== hex(nameOf(appraisal.input.challenge.ak))) return unsafe;
    if (clockInfo.resetCount < last.resetCount) {
      return [fail(this.id, `resetCount went back from ${last.resetCount} to ${clockInfo.resetCount}`)];
    }
    const sameBoot = clockInfo.resetCount === last.resetCount && clockInfo.restartCount === last.restartCount;
    if (sameBoot && clockInfo.safe && clockInfo.clock < BigInt(last.clock)) {
      return [fail(this.id, `the clock went back from ${last.clock} to ${clockInfo.clock} ms within one boot`)];
    }
    return unsafe;
  },
};

/** What to remember of an accepted quote. */
export function bootRecordOf(ak: Uint8Array, { resetCount, restartCount, clock: ms, safe }: Clock): BootRecord {
  return { ak: hex(nameOf(ak)), resetCount, restartCount, clock: String(ms), safe };
}

interface Clock {
  readonly resetCount: number;
  readonly restartCount: number;
  readonly clock: bigint;
  readonly safe: boolean;
}
