import { nothing, struct } from '@vouchsafe/bytes/codec';
import { command } from '../command.ts';
import { TpmlDigestValues, type TpmtHa } from '../digest.ts';
import { pcr } from '../entity.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 22.2 TPM2_PCR_Extend */
export const PcrExtend = command({
  name: 'TPM2_PCR_Extend',
  code: 0x182,
  handles: ['@pcrHandle'],
  parameters: struct('TPM2_PCR_Extend', { digests: TpmlDigestValues }),
  results: nothing,
});

/** Extends a PCR, each bank by its digest. */
export async function pcrExtend(tpm: Tpm, index: number, digests: TpmtHa[]): Promise<void> {
  await tpm.run(PcrExtend, { digests }, [pcr(index)]);
}
