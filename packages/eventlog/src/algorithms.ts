import { getHashes, hash } from 'node:crypto';
import { concat } from '@vouchsafe/bytes/hex';

/** Facts about the hash algorithms of PCR banks (TCG Algorithm Registry, table of TPM_ALG_ID). Sizes in bytes. */
export const algorithms = {
  sha1: { id: 0x0004, size: 20, node: 'sha1' },
  sha256: { id: 0x000b, size: 32, node: 'sha256' },
  sha384: { id: 0x000c, size: 48, node: 'sha384' },
  sha512: { id: 0x000d, size: 64, node: 'sha512' },
  sm3_256: { id: 0x0012, size: 32, node: 'sm3' },
  sha3_256: { id: 0x0027, size: 32, node: 'sha3-256' },
  sha3_384: { id: 0x0028, size: 48, node: 'sha3-384' },
  sha3_512: { id: 0x0029, size: 64, node: 'sha3-512' },
} as const satisfies Record<string, AlgorithmFacts>;

interface AlgorithmFacts {
  readonly id: number;
  readonly size: number;
  readonly node: string;
}

/** Name of a PCR bank, as in tpm2-tools. */
export type Bank = keyof typeof algorithms;

const byId = new Map(Object.entries(algorithms).map(([name, facts]) => [facts.id as number, name as Bank]));
const available = new Set(getHashes());

/** The bank of a TPM_ALG_ID; undefined for an algorithm that this package does not know. */
export const bankOf = (id: number): Bank | undefined => byId.get(id);

/** Whether `name` names a bank. */
export const isBank = (name: string): name is Bank => Object.hasOwn(algorithms, name);

/** Whether this runtime can compute the bank's hash (OpenSSL may be built without SM3). */
export const canHash = (bank: Bank): boolean => available.has(algorithms[bank].node);

/**
 * Hash of the parts, one after the other. It is taken as text of one character a byte: a buffer from OpenSSL is memory
 * outside the heap, and three times as dear for a digest.
 */
export function digest(bank: Bank, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const text = hash(algorithms[bank].node, parts.length === 1 ? parts[0]! : concat(...parts), 'binary');
  const value = new Uint8Array(text.length);
  for (let i = 0; i < value.length; i++) value[i] = text.charCodeAt(i);
  return value;
}
