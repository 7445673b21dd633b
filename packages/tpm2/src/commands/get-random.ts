import { struct, u16 } from '@vouchsafe/bytes/codec';
import { command } from '../command.ts';
import { Tpm2bDigest } from '../public.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 16.1 TPM2_GetRandom */
export const GetRandom = command({
  name: 'TPM2_GetRandom',
  code: 0x17b,
  parameters: struct('TPM2_GetRandom', { bytesRequested: u16 }),
  results: struct('TPM2_GetRandom', { randomBytes: Tpm2bDigest }),
});

/** Random bytes, at most as many as were asked for: a TPM yields no more than its longest digest has. */
export async function getRandom(tpm: Tpm, bytesRequested: number): Promise<Uint8Array> {
  const { results } = await tpm.run(GetRandom, { bytesRequested });
  return results.randomBytes;
}
