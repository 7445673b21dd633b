import { copy } from './hex.ts';

/** RFC 4648, 5: base64url text without padding. */
export const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');

/**
 * Bytes of base64url text (RFC 4648, 5), in exactly one spelling: no padding, no white space, no stray bits.
 * @throws {TypeError} for any other spelling
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new TypeError('not base64url text (RFC 4648, 5, without padding)');
  return copy(bytes);
}
