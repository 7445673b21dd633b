import {
  type Codec,
  decode,
  encode,
  fixed,
  type Infer,
  nothing,
  oneOf,
  struct,
  u16,
  union,
} from '@vouchsafe/bytes/codec';
import { type HashName, hashes, TpmiAlgHash } from './algorithms.ts';
import { Tpm2bEccParameter, Tpm2bPublicKeyRsa } from './public.ts';

/** Part 2, 11.3.1 TPMS_SIGNATURE_RSA */
export const TpmsSignatureRsa = struct('TPMS_SIGNATURE_RSA', { hash: TpmiAlgHash, sig: Tpm2bPublicKeyRsa });
/** Part 2, 11.3.2 TPMS_SIGNATURE_ECC */
export const TpmsSignatureEcc = struct('TPMS_SIGNATURE_ECC', {
  hash: TpmiAlgHash,
  signatureR: Tpm2bEccParameter,
  signatureS: Tpm2bEccParameter,
});

const digests = Object.fromEntries(
  Object.entries(hashes).map(([name, { size }]) => [name, fixed(name, size)]),
) as Record<HashName, Codec<Uint8Array>>;

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
    hmac: struct('TPMT_HA', { hashAlg: TpmiAlgHash, digest: union('hashAlg', digests) }),
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
