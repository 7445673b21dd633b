import { createHash, createHmac } from 'node:crypto';
import type { Secret } from '@vouchsafe/bytes/secret';
import type { cryptographicAlgorithm, hashingAlgorithm } from '@vouchsafe/kmip/enums';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';

interface HashFacts {
  /** OpenSSL's name. */
  readonly node: string;
  /** Octets of a digest. */
  readonly size: number;
}

/** The digests that are computed here, by the names of KMIP 1.4, 9.1.3.2.16. MD2, MD4, MD5 and the like are refused. */
export const hashes = {
  'SHA-1': { node: 'sha1', size: 20 },
  'SHA-224': { node: 'sha224', size: 28 },
  'SHA-256': { node: 'sha256', size: 32 },
  'SHA-384': { node: 'sha384', size: 48 },
  'SHA-512': { node: 'sha512', size: 64 },
  'SHA-512/224': { node: 'sha512-224', size: 28 },
  'SHA-512/256': { node: 'sha512-256', size: 32 },
  'SHA-3-224': { node: 'sha3-224', size: 28 },
  'SHA-3-256': { node: 'sha3-256', size: 32 },
  'SHA-3-384': { node: 'sha3-384', size: 48 },
  'SHA-3-512': { node: 'sha3-512', size: 64 },
} as const satisfies Partial<Record<keyof typeof hashingAlgorithm, HashFacts>>;

/** A digest that is computed here. */
export type HashName = keyof typeof hashes;

/** The HMACs that are computed here: KMIP counts each as an algorithm of its own (1.4, 9.1.3.2.13). */
export const hmacs = {
  'HMAC-SHA1': 'SHA-1',
  'HMAC-SHA224': 'SHA-224',
  'HMAC-SHA256': 'SHA-256',
  'HMAC-SHA384': 'SHA-384',
  'HMAC-SHA512': 'SHA-512',
  'HMAC-SHA3-224': 'SHA-3-224',
  'HMAC-SHA3-256': 'SHA-3-256',
  'HMAC-SHA3-384': 'SHA-3-384',
  'HMAC-SHA3-512': 'SHA-3-512',
} as const satisfies Partial<Record<keyof typeof cryptographicAlgorithm, HashName>>;

/** The facts of a digest. @throws {OperationError} `Invalid Field` for one that is missing or not computed here */
export function hashFacts(name: string | undefined): HashFacts {
  if (name === undefined || !Object.hasOwn(hashes, name))
    throw new OperationError(
      'Invalid Field',
      `Hashing Algorithm: ${name ?? 'missing'}, expected one of ${Object.keys(hashes).join(', ')}`,
    );
  return hashes[name as HashName];
}

/** The digest of data. @throws {OperationError} as `hashFacts` */
export const digest = (name: string | undefined, data: Uint8Array): Buffer =>
  createHash(hashFacts(name).node).update(data).digest();

/** The HMAC of data. @throws {OperationError} as `hashFacts` */
export const hmac = (name: string | undefined, key: Secret, ...data: readonly Uint8Array[]): Buffer =>
  key.use((bytes) => {
    const mac = createHmac(hashFacts(name).node, bytes);
    for (const each of data) mac.update(each);
    return mac.digest();
  });

/** The digest that an HMAC algorithm uses. @throws {OperationError} `Invalid Field` for what is no HMAC */
export function hmacHash(algorithm: string | undefined): HashName {
  if (algorithm === undefined || !Object.hasOwn(hmacs, algorithm))
    throw new OperationError(
      'Invalid Field',
      `Cryptographic Algorithm: ${algorithm ?? 'missing'}, expected one of ${Object.keys(hmacs).join(', ')}`,
    );
  return hmacs[algorithm as keyof typeof hmacs];
}
