import { sized, struct, u16 } from '@vouchsafe/bytes/codec';
import { Secret } from '@vouchsafe/bytes/secret';
import type { Authorization } from '../authorization.ts';
import { command } from '../command.ts';
import type { Entity } from '../entity.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 12.7 TPM2_Unseal */
export const Unseal = command({
  name: 'TPM2_Unseal',
  code: 0x15e,
  handles: ['@itemHandle'],
  parameters: struct('TPM2_Unseal', {}),
  results: struct('TPM2_Unseal', { outData: sized('TPM2B_SENSITIVE_DATA', u16, 256) }),
});

/** The data in a sealed object. */
export async function unseal(tpm: Tpm, item: Entity, auths: readonly Authorization[] = []): Promise<Secret> {
  const { results } = await tpm.run(Unseal, {}, [item], auths);
  return Secret.take(results.outData);
}
