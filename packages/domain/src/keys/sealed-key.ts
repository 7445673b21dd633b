import { createSecretKey, type KeyObject } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { Problem } from '../problem.ts';
import { type EcJwk, keyOf, thumbprint } from './jwk.ts';

/**
 * Encrypts 32 bytes of key to the encryption key of a token: compact JWE, ECDH-ES with A256GCM (RFC 7518, 4.6). The
 * plaintext is the raw key, never JSON, so that no string of it comes into being. The caller wipes the bytes.
 */
export async function sealKeyTo(recipient: EcJwk, key: Uint8Array): Promise<string> {
  return await new CompactEncrypt(key)
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', typ: 'vs-key+jwe', kid: thumbprint(recipient) })
    .encrypt(keyOf(recipient, 'rel'));
}

/** Opens a key that was sealed to us. @throws {Problem} `service.untrusted` when it was sealed to somebody else */
export async function openSealedKey(privateKey: KeyObject, sealed: string): Promise<KeyObject> {
  try {
    const { plaintext } = await compactDecrypt(sealed, privateKey, {
      keyManagementAlgorithms: ['ECDH-ES'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    if (plaintext.length !== 32) throw new TypeError(`expected 32 bytes of key, found ${plaintext.length}`);
    const key = createSecretKey(plaintext);
    plaintext.fill(0);
    return key;
  } catch (cause) {
    throw new Problem('service.untrusted', 'the released key is not sealed to the key of this host', { cause });
  }
}
