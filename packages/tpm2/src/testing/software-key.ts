import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { encode } from '@vouchsafe/bytes/codec';
import { type AkType, akTemplates } from '../ak-template.ts';
import { attestTypes, TpmsAttest, tpmGeneratedValue } from '../attest.ts';
import { encodePublic, type TpmtPublic } from '../public.ts';
import { encodeSignature } from '../signature.ts';

/** A signing key outside any TPM with the public area of an attestation key: what an attacker could have. */
export interface SoftwareKey {
  readonly area: TpmtPublic;
  readonly publicArea: Uint8Array<ArrayBuffer>;
  readonly privateKey: KeyObject;
  /** Bytes of a TPMT_SIGNATURE over `data` by the scheme of the key. */
  sign(data: Uint8Array): Uint8Array<ArrayBuffer>;
}

export function softwareKey(type: AkType): SoftwareKey {
  const { privateKey, publicKey } =
    type === 'ecc'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = publicKey.export({ format: 'jwk' });
  const area: TpmtPublic =
    type === 'ecc'
      ? { ...akTemplates.ecc, unique: { x: fromBase64url(jwk.x!), y: fromBase64url(jwk.y!) } }
      : { ...akTemplates.rsa, unique: fromBase64url(jwk.n!) };
  const by = type === 'ecc' ? ecdsa : rsassa;
  return { area, publicArea: encodePublic(area), privateKey, sign: (data) => by(privateKey, data) };
}

function ecdsa(key: KeyObject, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }));
  const [signatureR, signatureS] = [both.slice(0, 32), both.slice(32)];
  return encodeSignature({ sigAlg: 'ecdsa', signature: { hash: 'sha256', signatureR, signatureS } });
}

function rsassa(key: KeyObject, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const sig = new Uint8Array(sign('sha256', data, { key, padding: constants.RSA_PKCS1_PADDING }));
  return encodeSignature({ sigAlg: 'rsassa', signature: { hash: 'sha256', sig } });
}

/** Bytes of a TPMS_ATTEST with a quote over PCR 0 and 7 that nothing has measured into; `changes` replace fields. */
export function sampleQuote(changes: Partial<TpmsAttest> = {}): Uint8Array<ArrayBuffer> {
  const attest = {
    magic: tpmGeneratedValue,
    type: 'quote',
    qualifiedSigner: new Uint8Array(34).fill(1),
    extraData: new Uint8Array(32).fill(2),
    clockInfo: { clock: 1_000n, resetCount: 3, restartCount: 4, safe: true },
    firmwareVersion: 0x2019102300163636n,
    attested: { pcrSelect: [{ hash: 'sha256', pcrSelect: [0, 7] }], pcrDigest: new Uint8Array(32).fill(5) },
    ...changes,
  };
  return encode(TpmsAttest, attest as TpmsAttest);
}

/** Every type of TPMS_ATTEST. */
export const everyAttestType = Object.keys(attestTypes) as TpmsAttest['type'][];
