import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { base64url } from '@vouchsafe/bytes/base64url';
import { concat } from '@vouchsafe/bytes/hex';
import { curveFacts } from './algorithms.ts';
import { TpmError } from './error.ts';
import type { PublicOf, TpmtPublic } from './public.ts';

const smallestRsaBits = 2048;
const largestRsaBits = 4096;
const defaultExponent = 65537;

/**
 * The key in a public area.
 *
 * Refuses what a verifier cannot rely on: RSA below 2048 bits, a modulus that is even or not of keyBits, an exponent
 * that is even or below 65537 (FIPS 186-5, A.1.1), curves other than P-256, P-384 and P-521, points off the curve.
 * @throws {TpmError} `key`
 */
export function publicKeyOf(area: TpmtPublic): KeyObject {
  if (area.type === 'rsa') return rsaKey(area);
  if (area.type === 'ecc') return eccKey(area);
  throw new TpmError('key', `a public area of type ${area.type} holds no public key, expected rsa or ecc`);
}

/** The key in a public area as SubjectPublicKeyInfo (RFC 5280, 4.1), DER. @throws {TpmError} `key` */
export const spkiOf = (area: TpmtPublic): Uint8Array<ArrayBuffer> =>
  concat(publicKeyOf(area).export({ type: 'spki', format: 'der' }));

function rsaKey({ parameters, unique: n }: PublicOf<'rsa'>): KeyObject {
  const { keyBits } = parameters;
  const exponent = parameters.exponent || defaultExponent;
  if (keyBits < smallestRsaBits || keyBits > largestRsaBits || keyBits % 8 !== 0)
    throw new TpmError('key', `keyBits is ${keyBits}, expected ${smallestRsaBits} to ${largestRsaBits}`);
  if (n.length !== keyBits / 8 || n[0]! < 0x80 || n.at(-1)! % 2 === 0)
    throw new TpmError('key', `the modulus is not an odd number of ${keyBits} bits`);
  if (exponent < defaultExponent || exponent % 2 === 0)
    throw new TpmError('key', `the exponent is ${exponent}, expected an odd number from ${defaultExponent}`);
  const e = new Uint8Array(4);
  new DataView(e.buffer).setUint32(0, exponent);
  return importJwk({ kty: 'RSA', n: base64url(n), e: base64url(e.slice(e.findIndex((byte) => byte > 0))) });
}

function eccKey(area: PublicOf<'ecc'>): KeyObject {
  const { curve, x, y } = pointOf(area);
  return importJwk({ kty: 'EC', crv: curve.jwk, x: base64url(x), y: base64url(y) });
}

/**
 * The point of an ECC key, both coordinates as long as the field. Whether it lies on the curve is for who uses it.
 * @throws {TpmError} `key` when the curve is not one of ours, or a coordinate is too long
 */
export function pointOf({ parameters, unique }: PublicOf<'ecc'>) {
  const curve = curveFacts(parameters.curveID);
  if (curve === undefined)
    throw new TpmError('key', `curve ${parameters.curveID} is not supported, expected P-256, P-384 or P-521`);
  const [x, y] = [leftPad(unique.x, curve.size), leftPad(unique.y, curve.size)];
  if (x === undefined || y === undefined)
    throw new TpmError('key', `a coordinate is longer than ${curve.size} bytes, the field of ${curve.jwk}`);
  return { curve, x, y };
}

/** OpenSSL refuses points that are not on their curve (EC_POINT_set_affine_coordinates). */
function importJwk(key: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch (cause) {
    throw new TpmError('key', `the ${key.kty} public key is not valid`, { cause });
  }
}

/** A big-endian number in exactly `size` bytes; undefined when it has more. TPMs may leave out leading zeros. */
export function leftPad(number: Uint8Array, size: number): Uint8Array<ArrayBuffer> | undefined {
  return number.length > size ? undefined : concat(new Uint8Array(size - number.length), number);
}
