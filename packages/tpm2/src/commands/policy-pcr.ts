import { nothing, struct } from '@vouchsafe/bytes/codec';
import { command } from '../command.ts';
import { TpmlPcrSelection, type TpmsPcrSelection } from '../pcr-selection.ts';
import { Tpm2bDigest } from '../public.ts';
import type { Session } from '../session.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 23.7 TPM2_PolicyPCR */
export const PolicyPcr = command({
  name: 'TPM2_PolicyPCR',
  code: 0x17f,
  handles: ['policySession'],
  parameters: struct('TPM2_PolicyPCR', { pcrDigest: Tpm2bDigest, pcrs: TpmlPcrSelection }),
  results: nothing,
});

/**
 * Makes the present values of PCRs part of a policy session.
 * @param pcrDigest what they must hash to (`quoteDigest` with the session's hash); the present values when empty
 */
export async function policyPcr(
  tpm: Tpm,
  session: Session,
  pcrs: TpmsPcrSelection[],
  pcrDigest: Uint8Array = new Uint8Array(),
): Promise<void> {
  await tpm.run(PolicyPcr, { pcrDigest, pcrs }, [session.entity]);
}
