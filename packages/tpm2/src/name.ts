import { createHash } from 'node:crypto';
import { concat } from '@vouchsafe/bytes/hex';
import { hashes } from './algorithms.ts';
import { TpmError } from './error.ts';
import { decodePublic } from './public.ts';

const u16 = (value: number) => new Uint8Array([value >> 8, value & 0xff]);

/**
 * The Name of an object (Part 1, 16): nameAlg and the digest of the public area.
 * @param publicArea bytes of a bare TPMT_PUBLIC
 * @throws {DecodeError} when that is no public area
 * @throws {TpmError} `key` when it has no nameAlg and so no Name
 */
export function nameOf(publicArea: Uint8Array): Uint8Array<ArrayBuffer> {
  const { nameAlg } = decodePublic(publicArea);
  if (nameAlg === 'null') throw new TpmError('key', 'nameAlg is TPM_ALG_NULL: the object has no Name');
  const { id, node } = hashes[nameAlg];
  return concat(u16(id), createHash(node).update(publicArea).digest());
}

/**
 * The Qualified Name (Part 1, 16) of an object: what TPMS_ATTEST.qualifiedSigner carries.
 * @param parent Qualified Name of the parent; of a primary object the four bytes of its hierarchy's handle
 * @param name Name of the object; its first two bytes say the hash
 * @throws {TpmError} `key` when the Name has no known hash
 */
export function qualifiedNameOf(parent: Uint8Array, name: Uint8Array): Uint8Array<ArrayBuffer> {
  const id = ((name[0] ?? 0) << 8) | (name[1] ?? 0);
  const facts = Object.values(hashes).find((hash) => hash.id === id);
  if (facts === undefined) throw new TpmError('key', `the name begins with 0x${id.toString(16)}, which is no hash`);
  return concat(u16(id), createHash(facts.node).update(parent).update(name).digest());
}
