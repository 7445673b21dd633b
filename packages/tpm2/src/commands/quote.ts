import { sized, struct, u16 } from '@vouchsafe/bytes/codec';
import type { Authorization } from '../authorization.ts';
import { command } from '../command.ts';
import type { Entity } from '../entity.ts';
import { TpmlPcrSelection, type TpmsPcrSelection } from '../pcr-selection.ts';
import { Tpm2bData } from '../public.ts';
import { encodeSignature, noScheme, TpmtSignature, TpmtSigScheme } from '../signature.ts';
import type { Tpm } from '../tpm.ts';

/** Part 2, 10.12.13 TPM2B_ATTEST; its contents stay bytes, for they are what is signed. */
export const Tpm2bAttest = sized('TPM2B_ATTEST', u16, 2048);

/** Part 3, 18.4 TPM2_Quote */
export const Quote = command({
  name: 'TPM2_Quote',
  code: 0x158,
  handles: ['@signHandle'],
  parameters: struct('TPM2_Quote', {
    qualifyingData: Tpm2bData,
    inScheme: TpmtSigScheme,
    PCRselect: TpmlPcrSelection,
  }),
  results: struct('TPM2_Quote', { quoted: Tpm2bAttest, signature: TpmtSignature }),
});

/** What a TPM signed. */
export interface Signed {
  /** Bytes of the bare TPMS_ATTEST. */
  readonly attest: Uint8Array;
  /** Bytes of the bare TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
}

/**
 * Has PCRs quoted by a key with its own scheme.
 * @param qualifyingData what makes the quote fresh, at most 66 bytes; it comes back as extraData
 */
export async function quote(
  tpm: Tpm,
  key: Entity,
  qualifyingData: Uint8Array,
  pcrs: TpmsPcrSelection[],
  auths: readonly Authorization[] = [],
): Promise<Signed> {
  const parameters = { qualifyingData, inScheme: noScheme, PCRselect: pcrs };
  const { results } = await tpm.run(Quote, parameters, [key], auths);
  return { attest: results.quoted, signature: encodeSignature(results.signature) };
}
