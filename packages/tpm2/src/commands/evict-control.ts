import { nothing, struct, u32 } from '@vouchsafe/bytes/codec';
import type { Authorization } from '../authorization.ts';
import { command } from '../command.ts';
import { type Entity, hierarchy } from '../entity.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 28.5 TPM2_EvictControl */
export const EvictControl = command({
  name: 'TPM2_EvictControl',
  code: 0x120,
  handles: ['@auth', 'objectHandle'],
  parameters: struct('TPM2_EvictControl', { persistentHandle: u32 }),
  results: nothing,
});

/** Makes a transient object persistent, or removes a persistent one (`object` is then that one). */
export async function evictControl(
  tpm: Tpm,
  auth: 'owner' | 'platform',
  object: Entity,
  persistentHandle: number,
  auths: readonly Authorization[] = [],
): Promise<void> {
  await tpm.run(EvictControl, { persistentHandle }, [hierarchy(auth), object], auths);
}
