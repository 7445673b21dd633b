import { nothing, struct } from '@vouchsafe/bytes/codec';
import { command } from '../command.ts';
import { hierarchy } from '../entity.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 24.6 TPM2_Clear: what an owner of the machine can do in the firmware's menu. */
const Clear = command({
  name: 'TPM2_Clear',
  code: 0x126,
  handles: ['@authHandle'],
  parameters: struct('TPM2_Clear', {}),
  results: nothing,
});

/** Gives the owner hierarchy a new seed: nothing that was sealed before opens any more. */
export async function clear(tpm: Tpm): Promise<void> {
  await tpm.run(Clear, {}, [hierarchy('platform')]);
}
