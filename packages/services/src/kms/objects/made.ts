import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret } from '@vouchsafe/bytes/secret';
import type { cryptographicAlgorithm } from '@vouchsafe/kmip/enums';
import type { ManagedObject as Content } from '@vouchsafe/kmip/managed-object';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type KeyHalf, usualFormat, writeKey } from '../content/key-formats.ts';
import { type CurveName, curves, curveWhere } from '../crypto/curves.ts';
import { hmacs } from '../crypto/hashes.ts';

type Algorithm = keyof typeof cryptographicAlgorithm;

const anyOctets = Array.from({ length: 512 }, (_, i) => (i + 1) * 8).filter((bits) => bits >= 80 && bits <= 4096);

/** Lengths in bits of the symmetric keys that are made here. HMAC keys may have any length of whole octets. */
const lengths: Partial<Record<Algorithm, readonly number[]>> = {
  AES: [128, 192, 256],
  '3DES': [112, 168],
  SKIPJACK: [80],
  Camellia: [128, 192, 256],
  ChaCha20: [256],
  ...Object.fromEntries(Object.keys(hmacs).map((name) => [name, anyOctets])),
};

/** Key octets of 3DES count the parity bits, its length does not (KMIP 1.4, 3.5). */
const octetsOf = (algorithm: string, bits: number): number => (algorithm === '3DES' ? (bits / 7) * 8 : bits) / 8;

/** Octets of a symmetric key. @throws {OperationError} for an algorithm or a length that no key is made for */
export function symmetricOctets(algorithm: string | undefined, length: number | undefined): number {
  const known = lengths[algorithm as Algorithm];
  if (known === undefined)
    throw invalid(
      `Cryptographic Algorithm: ${algorithm ?? 'missing'}, expected one of ${Object.keys(lengths).join(', ')}`,
    );
  if (length === undefined || !known.includes(length))
    throw invalid(`Cryptographic Length: ${length ?? 'missing'}, expected ${listed(known)}`);
  return octetsOf(algorithm!, length);
}

const listed = (bits: readonly number[]): string =>
  bits.length < 8 ? `one of ${bits.join(', ')}` : `${bits[0]} to ${bits.at(-1)} in whole octets`;

/** A random symmetric key. @throws {OperationError} as `symmetricOctets` */
export function madeSymmetricKey(algorithm: string | undefined, length: number | undefined): Content {
  const material = Secret.take(randomKey(algorithm!, symmetricOctets(algorithm, length)));
  return symmetricKey(material, algorithm as Algorithm, length!);
}

/** A symmetric key; it takes the material over. */
export const symmetricKey = (material: Secret, algorithm: Algorithm | undefined, length: number): Content => ({
  type: 'Symmetric Key',
  block: { format: 'Raw', value: { material, attributes: [] }, algorithm, length },
});

function randomKey(algorithm: string, octets: number): Buffer {
  const key = randomBytes(octets);
  if (algorithm === '3DES') for (let i = 0; i < octets; i++) key[i] = oddParity(key[i]!);
  return key;
}

/** Each octet of a DES key has an odd number of ones (FIPS 46-3). */
function oddParity(octet: number): number {
  const ones = [1, 2, 3, 4, 5, 6, 7].filter((bit) => (octet >> bit) & 1).length;
  return (octet & 0xfe) | (ones % 2 === 0 ? 1 : 0);
}

/** A key pair that was just made. */
export interface MadePair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const rsaLengths = [2048, 3072, 4096];

/** Generates a pair in a thread of its own. @throws {OperationError} for what no pair is made for */
export async function madePair(
  algorithm: string | undefined,
  length: number | undefined,
  curve: string | undefined,
): Promise<MadePair> {
  if (algorithm === 'RSA') {
    if (length === undefined || !rsaLengths.includes(length))
      throw invalid(`Cryptographic Length: ${length ?? 'missing'}, expected one of ${rsaLengths.join(', ')}`);
    return await promisify(generateKeyPair)('rsa', { modulusLength: length });
  }
  if (algorithm !== 'EC' && algorithm !== 'ECDSA' && algorithm !== 'ECDH')
    throw invalid(`Cryptographic Algorithm: ${algorithm ?? 'missing'}, expected RSA, EC, ECDSA or ECDH`);
  return await promisify(generateKeyPair)('ec', { namedCurve: curves[curveFor(curve, length)].node });
}

/** The curve of the Cryptographic Domain Parameters, or the one of NIST that has so many bits. */
function curveFor(named: string | undefined, length: number | undefined): CurveName {
  const name = named ?? curveWhere(({ bits }) => bits === length);
  if (name === undefined || !Object.hasOwn(curves, name))
    throw invalid(`Recommended Curve: ${name ?? 'missing'}, expected one of ${Object.keys(curves).join(', ')}`);
  const { bits } = curves[name as CurveName];
  if (length !== undefined && length !== bits) throw invalid(`Cryptographic Length: ${length}, ${name} has ${bits}`);
  return name as CurveName;
}

/** One half of a pair in its usual format. */
export function halfContent(half: KeyHalf, key: KeyObject, algorithm: Algorithm, length: number): Content {
  const format = usualFormat(half, key);
  const value = { material: writeKey(half, format, key), attributes: [] };
  return { type: half, block: { format, value, algorithm, length } };
}

const invalid = (why: string) => new OperationError('Invalid Field', why);
