import { struct } from '@vouchsafe/bytes/codec';
import type { Authorization } from '../authorization.ts';
import { command } from '../command.ts';
import type { Entity } from '../entity.ts';
import { Tpm2bName } from '../public.ts';
import type { Tpm } from '../tpm.ts';
import { TransientObject } from '../transient-object.ts';
import { type Created, Tpm2bPrivate } from './create.ts';
import { Tpm2bPublic } from './read-public.ts';

/** Part 3, 12.2 TPM2_Load */
export const Load = command({
  name: 'TPM2_Load',
  code: 0x157,
  handles: ['@parentHandle'],
  parameters: struct('TPM2_Load', { inPrivate: Tpm2bPrivate, inPublic: Tpm2bPublic }),
  makes: true,
  results: struct('TPM2_Load', { name: Tpm2bName }),
});

/** Loads an object that was created under `parent`. Dispose of it. */
export async function load(
  tpm: Tpm,
  parent: Entity,
  { privateArea, publicArea }: Created,
  auths: readonly Authorization[] = [],
): Promise<TransientObject> {
  const parameters = { inPrivate: privateArea, inPublic: publicArea };
  const { handle, results } = await tpm.run(Load, parameters, [parent], auths);
  return TransientObject.own(tpm, { handle, publicArea, name: results.name });
}
