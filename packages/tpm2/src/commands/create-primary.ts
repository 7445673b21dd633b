import { struct } from '@vouchsafe/bytes/codec';
import type { Authorization } from '../authorization.ts';
import { command } from '../command.ts';
import { type Hierarchy, hierarchy } from '../entity.ts';
import { Tpm2bDigest, Tpm2bName, type TpmtPublic } from '../public.ts';
import type { Tpm } from '../tpm.ts';
import { TransientObject } from '../transient-object.ts';
import { creationParameters, type Sensitive, Tpm2bCreationData, TpmtTkCreation, withSensitive } from './create.ts';
import { Tpm2bPublic } from './read-public.ts';

/** Part 3, 24.1 TPM2_CreatePrimary */
export const CreatePrimary = command({
  name: 'TPM2_CreatePrimary',
  code: 0x131,
  handles: ['@primaryHandle'],
  parameters: struct('TPM2_CreatePrimary', creationParameters),
  makes: true,
  results: struct('TPM2_CreatePrimary', {
    outPublic: Tpm2bPublic,
    creationData: Tpm2bCreationData,
    creationHash: Tpm2bDigest,
    creationTicket: TpmtTkCreation,
    name: Tpm2bName,
  }),
});

/** Derives a key from a hierarchy's seed: the same template yields the same key again. Dispose of it. */
export async function createPrimary(
  tpm: Tpm,
  under: Hierarchy,
  template: TpmtPublic,
  sensitive: Sensitive = {},
  auths: readonly Authorization[] = [],
): Promise<TransientObject> {
  const { handle, results } = await withSensitive(template, sensitive, (parameters) =>
    tpm.run(CreatePrimary, parameters, [hierarchy(under)], auths),
  );
  return TransientObject.own(tpm, { handle, publicArea: results.outPublic, name: results.name });
}
