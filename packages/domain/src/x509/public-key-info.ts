import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { type Element, tags } from './der.ts';
import { oidOf } from './der-values.ts';

/**
 * id-RSAES-OAEP (RFC 4055, 4.1): the TCG Credential Profile for TPM 1.2 demanded it, older TPMs of STMicroelectronics
 * and Infineon carry it, and OpenSSL reads no key with it.
 */
const rsaesOaep = '1.2.840.113549.1.1.7';

/** AlgorithmIdentifier of rsaEncryption (RFC 3279, 2.3.1). */
const rsaEncryption = Uint8Array.of(0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0);

/** A SubjectPublicKeyInfo, unverified. */
export interface PublicKeyInfo {
  /** As it stands in the certificate. */
  readonly raw: Uint8Array;
  /** The key is named for RSAES-OAEP and is an RSA key like any other. */
  readonly oaep: boolean;
  /** The key; undefined when it is none, or of a kind that is not supported. */
  readonly key: KeyObject | undefined;
  /** SHA-256 of the key as an ordinary SubjectPublicKeyInfo, in hexadecimal; what an EK is known by. */
  readonly hash: string | undefined;
}

/** Reads SubjectPublicKeyInfo; a key that cannot be used is no error, but one of nobody. @throws {DecodeError} */
export function readPublicKeyInfo(element: Element): PublicKeyInfo {
  const fields = element.inside();
  const algorithm = fields.take(tags.sequence, 'algorithm');
  const oaep = oidOf(algorithm.inside().take(tags.oid, 'id')) === rsaesOaep;
  const bits = fields.take(tags.bitString, 'key');
  fields.finish();
  const key = keyOf(oaep ? ordinary(bits.raw) : element.raw);
  return { raw: element.raw, oaep, key, hash: key === undefined ? undefined : hashOf(key) };
}

function ordinary(bits: Uint8Array): Uint8Array {
  const length = rsaEncryption.length + bits.length;
  return concat(Uint8Array.of(0x30, 0x82, length >> 8, length & 0xff), rsaEncryption, bits);
}

function keyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

const hashOf = (key: KeyObject): string =>
  hex(
    createHash('sha256')
      .update(key.export({ format: 'der', type: 'spki' }))
      .digest(),
  );

const curves: readonly (string | undefined)[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/** Why nobody should sign or be certified with this key; undefined when it is strong enough. */
export function whyWeak(key: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec')
    return curves.includes(namedCurve) ? undefined : `curve ${namedCurve} is not supported`;
  if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'rsa-pss')
    return `a key of type ${key.asymmetricKeyType} is not supported`;
  if (modulusLength < 2048 || modulusLength > 4096) return `an RSA key of ${modulusLength} bits, not of 2048 to 4096`;
  if (publicExponent < 3n || publicExponent % 2n === 0n) return `an RSA key with exponent ${publicExponent}`;
  return undefined;
}
