import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { akTemplates } from '@vouchsafe/tpm2/ak-template';
import { type CurveName, curves, type HashName, hashes } from '@vouchsafe/tpm2/algorithms';
import { encodePublic, type PublicOf, type TpmtPublic } from '@vouchsafe/tpm2/public';
import { encodeSignature, type TpmtSignature } from '@vouchsafe/tpm2/signature';
import type { Signer } from './parts.ts';

/** The parts of an ECDSA signature, big-endian and as long as the field. */
export interface RS {
  readonly r: Uint8Array;
  readonly s: Uint8Array;
}

/** An ECC key as attestation key on any curve; `area` replaces fields of its public area, `change` the numbers of a signature. */
export function eccAk(
  curveID: CurveName = 'nistP256',
  hash: HashName = 'sha256',
  { area = {}, change = (rs) => rs }: { area?: Partial<PublicOf<'ecc'>>; change?: (rs: RS) => RS } = {},
): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curves[curveID].node });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const { parameters } = akTemplates.ecc;
  const scheme = { scheme: 'ecdsa', details: { hashAlg: hash } } as const;
  const whole: PublicOf<'ecc'> = {
    ...akTemplates.ecc,
    parameters: { ...parameters, scheme, curveID },
    unique: { x: fromBase64url(String(x)), y: fromBase64url(String(y)) },
    ...area,
  };
  const signRs = (data: Uint8Array) => {
    const { r, s } = change(numbersOf(privateKey, data, hash));
    return encodeSignature({ sigAlg: 'ecdsa', signature: { hash, signatureR: r, signatureS: s } });
  };
  return { publicArea: encodePublic(whole), sign: signRs };
}

function numbersOf(key: KeyObject, data: Uint8Array, hash: HashName): RS {
  const both = new Uint8Array(sign(hashes[hash].node, data, { key, dsaEncoding: 'ieee-p1363' }));
  return { r: both.slice(0, both.length / 2), s: both.slice(both.length / 2) };
}

/** An RSA key as attestation key: `bits` and `exponent` of the key, `scheme` of its public area. */
export function rsaAk({
  bits = 2048,
  exponent = 65537,
  scheme = 'rsassa',
  signs = scheme,
}: {
  bits?: number;
  exponent?: number;
  scheme?: 'rsassa' | 'rsapss';
  signs?: 'rsassa' | 'rsapss';
} = {}): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent });
  const { n } = publicKey.export({ format: 'jwk' });
  const details = { hashAlg: 'sha256' } as const;
  const area: TpmtPublic = {
    ...akTemplates.rsa,
    parameters: {
      ...akTemplates.rsa.parameters,
      scheme: { scheme, details },
      keyBits: bits,
      exponent: exponent === 65537 ? 0 : exponent,
    },
    unique: fromBase64url(String(n)),
  };
  const padding = signs === 'rsassa' ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_PSS_PADDING;
  const by = (data: Uint8Array): TpmtSignature => ({
    sigAlg: signs,
    signature: { hash: 'sha256', sig: new Uint8Array(sign('sha256', data, { key: privateKey, padding })) },
  });
  return { publicArea: encodePublic(area), sign: (data) => encodeSignature(by(data)) };
}

/** A signature of an algorithm that anybody could make: HMAC under a key of their own, or none at all. */
export const worthless = {
  hmac: (data: Uint8Array) =>
    encodeSignature({
      sigAlg: 'hmac',
      signature: { hashAlg: 'sha256', digest: new Uint8Array(createHmac('sha256', 'key').update(data).digest()) },
    }),
  null: () => encodeSignature({ sigAlg: 'null', signature: undefined }),
} as const;
