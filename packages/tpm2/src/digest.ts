import { type Codec, fixed, type Infer, list, struct, u32, union } from '@vouchsafe/bytes/codec';
import { type HashName, hashes, TpmiAlgHash } from './algorithms.ts';
import { Tpm2bDigest } from './public.ts';

const digests = Object.fromEntries(
  Object.entries(hashes).map(([name, { size }]) => [name, fixed(name, size)]),
) as Record<HashName, Codec<Uint8Array>>;

/** Part 2, 10.3.2 TPMT_HA: a hash algorithm and a digest of just its size */
export const TpmtHa = struct('TPMT_HA', { hashAlg: TpmiAlgHash, digest: union('hashAlg', digests) });
export type TpmtHa = Infer<typeof TpmtHa>;

/** Part 2, 10.9.4 TPML_DIGEST: PCR_Read yields at most eight */
export const TpmlDigest = list('TPML_DIGEST', u32, Tpm2bDigest, 8);
/** Part 2, 10.9.5 TPML_DIGEST_VALUES: one a bank */
export const TpmlDigestValues = list('TPML_DIGEST_VALUES', u32, TpmtHa, 16);
