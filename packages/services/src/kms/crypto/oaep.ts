import { constants, createHash, type KeyObject, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto';
import type { HashName } from './hashes.ts';
import { hashFacts } from './hashes.ts';

/**
 * RSAES-OAEP (RFC 8017, 7.1) with one digest for the label and another one for the mask generation. OpenSSL knows that,
 * Node has no way to say it: the padding is computed here, RSA itself stays with OpenSSL.
 */

/** What a padding is made with. */
export interface OaepPadding {
  /** The digest of the label. */
  readonly hash: HashName;
  /** The digest of the mask. */
  readonly mask: HashName;
  /** Usually empty. */
  readonly label: Uint8Array;
}

/** Encrypts. @throws {RangeError} when the data are too long for the key */
export function oaepEncrypt(key: KeyObject, padding: OaepPadding, data: Uint8Array): Buffer {
  const octets = Math.ceil(key.asymmetricKeyDetails!.modulusLength! / 8);
  const encoded = encode(padding, data, octets);
  try {
    return publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
  } finally {
    encoded.fill(0);
  }
}

/** Decrypts. @throws {RangeError} in one text and after the same steps, whatever is wrong with the padding */
export function oaepDecrypt(key: KeyObject, padding: OaepPadding, data: Uint8Array): Buffer {
  const encoded = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, data);
  try {
    return decode(padding, encoded);
  } finally {
    encoded.fill(0);
  }
}

/** RFC 8017, 7.1.1, step 2. */
function encode({ hash, mask, label }: OaepPadding, data: Uint8Array, octets: number): Buffer {
  const { node, size } = hashFacts(hash);
  const filler = octets - data.length - 2 * size - 2;
  if (filler < 0) throw new RangeError('the data are too long for the key');
  const block = Buffer.concat([createHash(node).update(label).digest(), Buffer.alloc(filler), Uint8Array.of(1), data]);
  const seed = randomBytes(size);
  xor(block, mgf1(mask, seed, block.length));
  xor(seed, mgf1(mask, block, size));
  const encoded = Buffer.concat([Uint8Array.of(0), seed, block]);
  block.fill(0);
  return encoded;
}

/**
 * RFC 8017, 7.1.2, step 3. Every octet is looked at, and no branch is taken before the last: which check failed must not
 * show (Manger, "A Chosen Ciphertext Attack on RSA OAEP", 2001).
 */
function decode({ hash, mask, label }: OaepPadding, encoded: Buffer): Buffer {
  const { node, size } = hashFacts(hash);
  if (encoded.length < 2 * size + 2) throw new RangeError('the key is too short for the padding');
  const seed = encoded.subarray(1, 1 + size);
  const block = encoded.subarray(1 + size);
  xor(seed, mgf1(mask, block, size));
  xor(block, mgf1(mask, seed, block.length));
  const expected = createHash(node).update(label).digest();
  let wrong = encoded[0]!;
  for (let i = 0; i < size; i++) wrong |= block[i]! ^ expected[i]!;
  let found = 0;
  let start = 0;
  for (let i = size; i < block.length; i++) {
    const isOne = isZero(block[i]! ^ 1);
    start |= (i + 1) & -(isOne & (found ^ 1));
    wrong |= block[i]! & -((found | isOne) ^ 1);
    found |= isOne;
  }
  wrong |= found ^ 1;
  if (wrong !== 0) throw new RangeError('the padding is wrong');
  return Buffer.from(block.subarray(start));
}

/** 1 for 0, 0 for any other octet; without a branch. */
const isZero = (octet: number): number => ((octet - 1) >>> 31) & 1;

/** MGF1 (RFC 8017, B.2.1). */
function mgf1(hash: HashName, seed: Uint8Array, octets: number): Buffer {
  const { node, size } = hashFacts(hash);
  const counter = Buffer.alloc(4);
  const blocks = Array.from({ length: Math.ceil(octets / size) }, (_, i) => {
    counter.writeUInt32BE(i);
    return createHash(node).update(seed).update(counter).digest();
  });
  return Buffer.concat(blocks).subarray(0, octets);
}

function xor(target: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i]! ^= mask[i]!;
}
