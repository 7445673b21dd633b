import { sized, struct, u16 } from '@vouchsafe/bytes/codec';
import { command } from '../command.ts';
import { TpmlDigestValues, type TpmtHa } from '../digest.ts';
import { pcr } from '../entity.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 22.3 TPM2_PCR_Event */
export const PcrEvent = command({
  name: 'TPM2_PCR_Event',
  code: 0x13c,
  handles: ['@pcrHandle'],
  parameters: struct('TPM2_PCR_Event', { eventData: sized('TPM2B_EVENT', u16, 1024) }),
  results: struct('TPM2_PCR_Event', { digests: TpmlDigestValues }),
});

/** Has the TPM hash `eventData` (at most 1024 bytes) and extend a PCR in every bank by it; yields the digests. */
export async function pcrEvent(tpm: Tpm, index: number, eventData: Uint8Array): Promise<TpmtHa[]> {
  const { results } = await tpm.run(PcrEvent, { eventData }, [pcr(index)]);
  return results.digests;
}
