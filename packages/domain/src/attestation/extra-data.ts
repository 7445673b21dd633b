import { createHash } from 'node:crypto';

const label = Buffer.from('vouchsafe/attest/1\0');

/**
 * What a quote must carry in `extraData` (32 bytes): it proves in one comparison that the quote is fresh (nonce), that
 * it comes from the TPM of the EK (secret), and that the keys in the claims belong to this boot.
 *
 * SHA-256("vouchsafe/attest/1" 0x00 ‖ nonce[32] ‖ secret[32] ‖ SHA-256(claims))
 *
 * @param claims the exact octets that were sent; nothing is canonicalised
 */
export function extraData(nonce: Uint8Array, secret: Uint8Array, claims: Uint8Array): Uint8Array {
  const digest = createHash('sha256').update(claims).digest();
  return createHash('sha256').update(label).update(nonce).update(secret).update(digest).digest();
}
