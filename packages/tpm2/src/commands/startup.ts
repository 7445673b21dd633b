import { nothing, oneOf, struct, u16 } from '@vouchsafe/bytes/codec';
import { command } from '../command.ts';
import { isResponse } from '../response-error.ts';
import type { Tpm } from '../tpm.ts';

const TpmSu = oneOf(u16, { clear: 0x0000, state: 0x0001 });

/** Part 3, 9.3 TPM2_Startup */
export const Startup = command({
  name: 'TPM2_Startup',
  code: 0x144,
  parameters: struct('TPM2_Startup', { startupType: TpmSu }),
  results: nothing,
});

/** Part 3, 9.4 TPM2_Shutdown */
export const Shutdown = command({
  name: 'TPM2_Shutdown',
  code: 0x145,
  parameters: struct('TPM2_Shutdown', { shutdownType: TpmSu }),
  results: nothing,
});

/** Starts the TPM; well too when it was started already (TPM_RC_INITIALIZE). */
export async function startup(tpm: Tpm, startupType: 'clear' | 'state' = 'clear'): Promise<void> {
  try {
    await tpm.run(Startup, { startupType });
  } catch (error) {
    if (!isResponse(error, 'TPM_RC_INITIALIZE')) throw error;
  }
}
