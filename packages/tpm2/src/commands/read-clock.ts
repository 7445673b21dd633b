import { type Infer, struct, u64 } from '@vouchsafe/bytes/codec';
import { TpmsClockInfo } from '../attest.ts';
import { command } from '../command.ts';
import type { Tpm } from '../tpm.ts';

/** Part 2, 10.11.6 TPMS_TIME_INFO; time counts milliseconds since power-on */
export const TpmsTimeInfo = struct('TPMS_TIME_INFO', { time: u64, clockInfo: TpmsClockInfo });
export type TpmsTimeInfo = Infer<typeof TpmsTimeInfo>;

/** Part 3, 29.1 TPM2_ReadClock */
export const ReadClock = command({
  name: 'TPM2_ReadClock',
  code: 0x181,
  parameters: struct('TPM2_ReadClock', {}),
  results: struct('TPM2_ReadClock', { currentTime: TpmsTimeInfo }),
});

/** The TPM's clock. */
export async function readClock(tpm: Tpm): Promise<TpmsTimeInfo> {
  const { results } = await tpm.run(ReadClock, {});
  return results.currentTime;
}
