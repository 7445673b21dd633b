import { decode, encode, type Infer, nothing, oneOf, struct, u16, union } from '@vouchsafe/bytes/codec';
import { TpmiAlgHash } from './algorithms.ts';
import { TpmtHa } from './digest.ts';
import { Tpm2bEccParameter, Tpm2bPublicKeyRsa } from './public.ts';

/** Part 2, 11.3.1 TPMS_SIGNATURE_RSA */
export const TpmsSignatureRsa = struct('TPMS_SIGNATURE_RSA', { hash: TpmiAlgHash, sig: Tpm2bPublicKeyRsa });
/** Part 2, 11.3.2 TPMS_SIGNATURE_ECC */
export const TpmsSignatureEcc = struct('TPMS_SIGNATURE_ECC', {
  hash: TpmiAlgHash,
  signatureR: Tpm2bEccParameter,
  signatureS: Tpm2bEccParameter,
});

/** Part 2, 11.3.4 TPMT_SIGNATURE. The digest of a TPM_ALG_HMAC signature is behind its algorithm without a size. */
export const TpmtSignature = struct('TPMT_SIGNATURE', {
  sigAlg: oneOf(u16, {
    hmac: 0x0005,
    rsassa: 0x0014,
    rsapss: 0x0016,
    ecdsa: 0x0018,
    ecdaa: 0x001a,
    sm2: 0x001b,
    ecschnorr: 0x001c,
    null: 0x0010,
  }),
  signature: union('sigAlg', {
    hmac: TpmtHa,
    rsassa: TpmsSignatureRsa,
    rsapss: TpmsSignatureRsa,
    ecdsa: TpmsSignatureEcc,
    ecdaa: TpmsSignatureEcc,
    sm2: TpmsSignatureEcc,
    ecschnorr: TpmsSignatureEcc,
    null: nothing,
  }),
});
export type TpmtSignature = Infer<typeof TpmtSignature>;

/** Reads a bare TPMT_SIGNATURE. @throws {DecodeError} */
export const decodeSignature = (bytes: Uint8Array): TpmtSignature => decode(TpmtSignature, bytes);
/** The bytes of a TPMT_SIGNATURE. */
export const encodeSignature = (signature: TpmtSignature) => encode(TpmtSignature, signature);

/** Part 2, 11.2.1.5 TPMT_SIG_SCHEME, of which this package only asks for the key's own: TPM_ALG_NULL */
export const TpmtSigScheme = struct('TPMT_SIG_SCHEME', { scheme: oneOf(u16, { null: 0x0010 }) });
/** The scheme of the key itself. */
export const noScheme: Infer<typeof TpmtSigScheme> = { scheme: 'null' };
