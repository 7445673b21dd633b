import { createHash, createHmac, createSecretKey } from 'node:crypto';
import { concat } from '@vouchsafe/bytes/hex';
import { type HashName, hashes } from './algorithms.ts';

const u32 = (value: number) => new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
const text = (label: string) => new TextEncoder().encode(`${label}\0`);
const none = new Uint8Array();

/** Blocks 1, 2, ... until `bits` are there; `bits` is a multiple of 8. */
function blocks(bits: number, block: (counter: Uint8Array) => Uint8Array): Uint8Array<ArrayBuffer> {
  const size = bits / 8;
  let out = new Uint8Array();
  for (let i = 1; out.length < size; i++) out = concat(out, block(u32(i)));
  return out.slice(0, size);
}

/**
 * KDFa (Part 1, 11.4.10.2; SP 800-108 in counter mode with HMAC).
 * @param bits length of the result, a multiple of 8
 */
export function kdfA(
  hash: HashName,
  key: Uint8Array,
  label: string,
  contextU: Uint8Array = none,
  contextV: Uint8Array = none,
  bits: number = 8 * hashes[hash].size,
): Uint8Array<ArrayBuffer> {
  const tail = concat(text(label), contextU, contextV, u32(bits));
  // Node is quicker to take a KeyObject than to find out that octets are none.
  const hmacKey = createSecretKey(key);
  return blocks(bits, (counter) => createHmac(hashes[hash].node, hmacKey).update(counter).update(tail).digest());
}

/**
 * KDFe (Part 1, 11.4.10.3; SP 800-56A, 5.8.1) for a secret shared by ECDH. It yields as many bits as the hash has.
 * @param z x coordinate of the shared point, as long as the curve's field
 * @param partyU x coordinate of the ephemeral key
 * @param partyV x coordinate of the static key
 */
export function kdfE(
  hash: HashName,
  z: Uint8Array,
  label: string,
  partyU: Uint8Array,
  partyV: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const tail = concat(z, text(label), partyU, partyV);
  const { node, size } = hashes[hash];
  return blocks(8 * size, (counter) => createHash(node).update(counter).update(tail).digest());
}
