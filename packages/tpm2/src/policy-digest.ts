import { createHash } from 'node:crypto';
import { encode, u32 } from '@vouchsafe/bytes/codec';
import { type HashName, hashes } from './algorithms.ts';
import { PolicyPcr } from './commands/policy-pcr.ts';
import { encodeSelection, type TpmsPcrSelection } from './pcr-selection.ts';

/**
 * The authPolicy of an object that is used by PolicyPCR alone (Part 3, 23.7).
 * @param pcrDigest `quoteDigest` of the values, by the same hash
 */
export function policyPcrDigest(hash: HashName, pcrs: TpmsPcrSelection[], pcrDigest: Uint8Array): Uint8Array {
  const { node, size } = hashes[hash];
  const digest = createHash(node).update(new Uint8Array(size)).update(encode(u32, PolicyPcr.code));
  return new Uint8Array(digest.update(encodeSelection(pcrs)).update(pcrDigest).digest());
}
