import { nothing, struct, u32 } from '@vouchsafe/bytes/codec';
import { command } from '../command.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 28.4 TPM2_FlushContext. The handle is a parameter here. */
export const FlushContext = command({
  name: 'TPM2_FlushContext',
  code: 0x165,
  parameters: struct('TPM2_FlushContext', { flushHandle: u32 }),
  results: nothing,
});

/** Removes a transient object or a session from the TPM. */
export async function flushContext(tpm: Tpm, flushHandle: number): Promise<void> {
  await tpm.run(FlushContext, { flushHandle });
}
