import { createHash } from 'node:crypto';
import { type HashName, hashes } from './algorithms.ts';
import { TpmError } from './error.ts';
import type { TpmsPcrSelection } from './pcr-selection.ts';

/** Values of PCRs: a bank's name, then the index of a PCR. */
export type PcrValues = Partial<Record<HashName, ReadonlyMap<number, Uint8Array>>>;

/**
 * The digest of selected PCRs (Part 1, 17.6.2): the hash of their values, bank after bank in the order of the selection,
 * ascending within a bank.
 * @param hash the hash of the signature scheme (quote), or of the session (PolicyPCR)
 * @throws {TpmError} `missing` when a selected PCR has no value, or one that is not as long as its bank's digests
 */
export function quoteDigest(selection: readonly TpmsPcrSelection[], values: PcrValues, hash: HashName): Uint8Array {
  const digest = createHash(hashes[hash].node);
  for (const { hash: bank, pcrSelect } of selection) {
    for (const pcr of pcrSelect) digest.update(pcrValue(values, bank, pcr));
  }
  return new Uint8Array(digest.digest());
}

function pcrValue(values: PcrValues, bank: HashName, pcr: number): Uint8Array {
  const value = values[bank]?.get(pcr);
  if (value === undefined) throw new TpmError('missing', `PCR ${pcr} of bank ${bank} has no value`);
  if (value.length !== hashes[bank].size)
    throw new TpmError(
      'missing',
      `PCR ${pcr} of bank ${bank} has ${value.length} bytes, expected ${hashes[bank].size}`,
    );
  return value;
}
