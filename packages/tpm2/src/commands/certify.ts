import { struct } from '@vouchsafe/bytes/codec';
import type { Authorization } from '../authorization.ts';
import { command } from '../command.ts';
import type { Entity } from '../entity.ts';
import { Tpm2bData } from '../public.ts';
import { encodeSignature, noScheme, TpmtSignature, TpmtSigScheme } from '../signature.ts';
import type { Tpm } from '../tpm.ts';
import { type Signed, Tpm2bAttest } from './quote.ts';

/** Part 3, 18.2 TPM2_Certify */
export const Certify = command({
  name: 'TPM2_Certify',
  code: 0x148,
  handles: ['@objectHandle', '@signHandle'],
  parameters: struct('TPM2_Certify', { qualifyingData: Tpm2bData, inScheme: TpmtSigScheme }),
  results: struct('TPM2_Certify', { certifyInfo: Tpm2bAttest, signature: TpmtSignature }),
});

/** Has the Name of a loaded object signed by a key: proof that the object is in the key's TPM. */
export async function certify(
  tpm: Tpm,
  object: Entity,
  key: Entity,
  qualifyingData: Uint8Array,
  auths: readonly Authorization[] = [],
): Promise<Signed> {
  const { results } = await tpm.run(Certify, { qualifyingData, inScheme: noScheme }, [object, key], auths);
  return { attest: results.certifyInfo, signature: encodeSignature(results.signature) };
}
