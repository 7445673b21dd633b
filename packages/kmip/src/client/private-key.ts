import type { KeyObject } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const [begin, end] = [Buffer.from('-----BEGIN PRIVATE KEY-----\n'), Buffer.from('-----END PRIVATE KEY-----\n')];

/** A private key as PEM octets, which is what TLS reads; never as a string, which could not be wiped. */
export function pemOctets(key: KeyObject | Secret): Secret {
  if (key instanceof Secret) return key.use((octets) => Secret.take(Uint8Array.from(octets)));
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const body = base64(der, 64);
  der.fill(0);
  const pem = Buffer.concat([begin, body, end]);
  body.fill(0);
  return Secret.take(pem);
}

/** Base64 as octets, in lines that end with a line feed if a length is given (RFC 7468, 2). */
export function base64(octets: Uint8Array, line = Number.POSITIVE_INFINITY): Buffer {
  const characters = 4 * Math.ceil(octets.length / 3);
  const out = Buffer.alloc(characters + Math.ceil(characters / line), '\n');
  for (let i = 0, at = 0, column = 0; i < octets.length; i += 3) {
    const bits = (octets[i]! << 16) | ((octets[i + 1] ?? 0) << 8) | (octets[i + 2] ?? 0);
    for (let digit = 0; digit < 4; digit++) {
      const none = i + digit > octets.length;
      out[at++] = none ? 0x3d : alphabet[(bits >> (18 - 6 * digit)) & 63]!;
    }
    column += 4;
    if (column % line === 0) at++;
  }
  return out;
}
