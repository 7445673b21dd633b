import { type Infer, sizedOf, struct, u16, u32 } from '@vouchsafe/bytes/codec';
import { TpmiAlgHash } from '../algorithms.ts';
import { command } from '../command.ts';
import { byHandle } from '../entity.ts';
import { Tpm2bDigest, Tpm2bName } from '../public.ts';
import type { Tpm } from '../tpm.ts';

/** Part 2, 13.5 TPMS_NV_PUBLIC; the attributes are those of 13.4 TPMA_NV */
export const TpmsNvPublic = struct('TPMS_NV_PUBLIC', {
  nvIndex: u32,
  nameAlg: TpmiAlgHash,
  attributes: u32,
  authPolicy: Tpm2bDigest,
  dataSize: u16,
});
export type TpmsNvPublic = Infer<typeof TpmsNvPublic>;

/** Part 3, 31.6 TPM2_NV_ReadPublic */
export const NvReadPublic = command({
  name: 'TPM2_NV_ReadPublic',
  code: 0x169,
  handles: ['nvIndex'],
  parameters: struct('TPM2_NV_ReadPublic', {}),
  results: struct('TPM2_NV_ReadPublic', {
    nvPublic: sizedOf('TPM2B_NV_PUBLIC', u16, TpmsNvPublic, 256),
    nvName: Tpm2bName,
  }),
});

/** The public area and Name of an NV index. */
export async function nvReadPublic(tpm: Tpm, nvIndex: number): Promise<{ nvPublic: TpmsNvPublic; nvName: Uint8Array }> {
  const { results } = await tpm.run(NvReadPublic, {}, [byHandle(nvIndex)]);
  return results;
}
