import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { CryptographicParameters as Parameters } from '@vouchsafe/kmip/cryptographic-parameters';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type HashName, hashFacts } from './hashes.ts';
import { oaepDecrypt, oaepEncrypt } from './oaep.ts';

/** What a padding does in each direction. */
interface Padding {
  readonly encrypt: (key: KeyObject, data: Uint8Array) => Buffer;
  readonly decrypt: (key: KeyObject, data: Uint8Array) => Buffer;
}

/** Encrypts with an RSA public key. @throws {OperationError} */
export function rsaEncrypt(key: KeyObject, parameters: Parameters, data: Uint8Array): Buffer {
  const { encrypt } = paddingOf(parameters);
  return attempt(() => encrypt(key, data));
}

/** Decrypts with an RSA private key. @throws {OperationError} in the same words whatever is wrong with the data */
export function rsaDecrypt(key: KeyObject, parameters: Parameters, data: Uint8Array): Buffer {
  const { decrypt } = paddingOf(parameters);
  return attempt(() => decrypt(key, data));
}

/**
 * OAEP (RFC 8017, 7.1), or PKCS #1 v1.5, which OpenSSL decrypts to random data instead of an error when the padding is
 * wrong. Digests that are not said are those of the RFC: SHA-1 for the label, that of the label for the mask.
 */
function paddingOf({ padding, hash = 'SHA-1', maskGeneratorHash = hash, pSource }: Parameters): Padding {
  if (padding === 'PKCS1 v1.5') return ofOpenssl({ padding: constants.RSA_PKCS1_PADDING });
  if (padding !== 'OAEP')
    throw new OperationError(
      'Invalid Field',
      `Padding Method: ${padding ?? 'missing'}, expected OAEP or PKCS1 v1.5 for an RSA key`,
    );
  const label = pSource ?? new Uint8Array();
  if (maskGeneratorHash === hash) {
    const options = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hashFacts(hash).node };
    return ofOpenssl(label.length === 0 ? options : { ...options, oaepLabel: label });
  }
  for (const each of [hash, maskGeneratorHash]) hashFacts(each);
  const own = { hash: hash as HashName, mask: maskGeneratorHash as HashName, label };
  return {
    encrypt: (key, data) => oaepEncrypt(key, own, data),
    decrypt: (key, data) => oaepDecrypt(key, own, data),
  };
}

const ofOpenssl = (options: { padding: number; oaepHash?: string; oaepLabel?: Uint8Array }): Padding => ({
  encrypt: (key, data) => publicEncrypt({ key, ...options }, data),
  decrypt: (key, data) => privateDecrypt({ key, ...options }, data),
});

function attempt(work: () => Buffer): Buffer {
  try {
    return work();
  } catch {
    throw new OperationError('Cryptographic Failure', 'the data do not suit the key and padding');
  }
}
