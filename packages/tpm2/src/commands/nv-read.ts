import { sized, struct, u16 } from '@vouchsafe/bytes/codec';
import { concat } from '@vouchsafe/bytes/hex';
import type { Authorization } from '../authorization.ts';
import { command } from '../command.ts';
import { type Entity, hierarchy } from '../entity.ts';
import { TpmError } from '../error.ts';
import type { Tpm } from '../tpm.ts';
import { nvReadPublic } from './nv-read-public.ts';

/** Part 3, 31.13 TPM2_NV_Read */
export const NvRead = command({
  name: 'TPM2_NV_Read',
  code: 0x14e,
  handles: ['@authHandle', 'nvIndex'],
  parameters: struct('TPM2_NV_Read', { size: u16, offset: u16 }),
  results: struct('TPM2_NV_Read', { data: sized('TPM2B_MAX_NV_BUFFER', u16, 2048) }),
});

/** Every TPM yields so many bytes at a time (PC Client profile: MAX_NV_BUFFER_SIZE is at least 512). */
const chunk = 512;
/** TPMA_NV_OWNERREAD (Part 2, 13.4): the owner may read; otherwise the index's own authorization does. */
const ownerRead = 0x00020000;

/** All bytes of an NV index, read with the owner's authorization where that is allowed, else with the index's own. */
export async function nvRead(tpm: Tpm, nvIndex: number, auths: readonly Authorization[] = []): Promise<Uint8Array> {
  const { nvPublic, nvName } = await nvReadPublic(tpm, nvIndex);
  const index: Entity = { handle: nvIndex, name: nvName };
  const reader = (nvPublic.attributes & ownerRead) !== 0 ? hierarchy('owner') : index;
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < nvPublic.dataSize; offset += chunk) {
    const size = Math.min(chunk, nvPublic.dataSize - offset);
    const { results } = await tpm.run(NvRead, { size, offset }, [reader, index], auths);
    if (results.data.length !== size)
      throw new TpmError('answer', `TPM2_NV_Read: ${results.data.length} bytes came, ${size} were asked for`);
    parts.push(results.data);
  }
  return concat(...parts);
}
