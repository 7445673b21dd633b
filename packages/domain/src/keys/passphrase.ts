import { hkdfSync } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';

/** What a passphrase is derived for. */
const infos = { luks: 'vouchsafe/luks/1', vtpm: 'vouchsafe/vtpm/1' } as const;

/**
 * The passphrase that opens a component: base64url(HKDF-SHA-256(DEK, salt = its UUID in lower-case text, info, 32)).
 * Text, since QEMU takes UTF-8 only; it cannot be changed without changing the DEK.
 */
export function passphraseOf(dek: Secret, uuid: string, purpose: keyof typeof infos): Secret {
  return dek.use((bytes) => {
    const raw = Buffer.from(hkdfSync('sha256', bytes, Buffer.from(uuid.toLowerCase(), 'ascii'), infos[purpose], 32));
    const text = Buffer.alloc(43);
    // Written straight into a buffer of ours: toString would leave a string that nobody can wipe.
    writeBase64url(raw, text);
    raw.fill(0);
    return Secret.take(text);
  });
}

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'ascii');

function writeBase64url(from: Uint8Array, to: Uint8Array): void {
  for (let i = 0; i < to.length; i++) {
    const bit = i * 6;
    const pair = (from[bit >> 3]! << 8) | (from[(bit >> 3) + 1] ?? 0);
    to[i] = alphabet[(pair >> (10 - (bit & 7))) & 63]!;
  }
}
