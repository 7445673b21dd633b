import { decode, fixed, sized, struct, u8, u16 } from '@vouchsafe/bytes/codec';
import { DecodeError } from '@vouchsafe/bytes/reader';
import type { ListedHash } from './checksum-lines.ts';

/** Type of an extended attribute `security.ima` (Linux: enum evm_ima_xattr_type). */
const types = { EVM_IMA_XATTR_DIGSIG: 3, IMA_VERITY_DIGSIG: 6 } as const;
/** Linux: include/uapi/linux/hash_info.h, enum hash_algo; only what a list may name. */
const hashes: Readonly<Record<number, ListedHash>> = { 4: 'sha256', 5: 'sha384', 6: 'sha512' };

/** Linux: struct signature_v2_hdr behind the attribute's type; sizes are big-endian. */
const SignatureV2 = struct('signature_v2_hdr', {
  type: u8,
  version: u8,
  hash_algo: u8,
  keyid: fixed('keyid', 4),
  sig: sized('sig', u16, 1024),
});

/** A signature of a file, as the kernel found it beside the file and wrote it into the log. */
export interface FileSignature {
  /** The last four bytes of the signer's key identifier: says which key to try, proves nothing. */
  readonly keyid: Uint8Array;
  readonly hash: ListedHash;
  /** Octets that were hashed before they were signed; undefined when the file's digest itself was signed. */
  readonly prefix: Uint8Array | undefined;
  readonly signature: Uint8Array;
}

/**
 * Reads a field `sig`: version 2 signs the digest of the file, version 3 the hash of type, hash and digest
 * (Linux: struct ima_file_id). Version 1 and the portable signatures of EVM are not read, so they count for nothing.
 * @returns undefined when it is no such signature
 */
export function readFileSignature(field: Uint8Array): FileSignature | undefined {
  if (field.length === 0) return undefined;
  try {
    const { type, version, hash_algo, keyid, sig } = decode(SignatureV2, field);
    const hash = hashes[hash_algo];
    if (hash === undefined || sig.length === 0) return undefined;
    if (version === 2 && type === types.EVM_IMA_XATTR_DIGSIG) return { keyid, hash, prefix: undefined, signature: sig };
    const known = type === types.EVM_IMA_XATTR_DIGSIG || type === types.IMA_VERITY_DIGSIG;
    if (version !== 3 || !known) return undefined;
    return { keyid, hash, prefix: Uint8Array.of(type, hash_algo), signature: sig };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
