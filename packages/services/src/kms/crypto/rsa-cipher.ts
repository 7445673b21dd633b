import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { CryptographicParameters as Parameters } from '@vouchsafe/kmip/cryptographic-parameters';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { hashFacts } from './hashes.ts';

/** The options that Node wants for a padding. */
interface Padding {
  readonly padding: number;
  readonly oaepHash?: string;
}

/** Encrypts with an RSA public key. @throws {OperationError} */
export function rsaEncrypt(key: KeyObject, parameters: Parameters, data: Uint8Array): Buffer {
  const padding = paddingOf(parameters);
  return attempt(() => publicEncrypt({ key, ...padding }, data));
}

/** Decrypts with an RSA private key. @throws {OperationError} in the same words whatever is wrong with the data */
export function rsaDecrypt(key: KeyObject, parameters: Parameters, data: Uint8Array): Buffer {
  const padding = paddingOf(parameters);
  return attempt(() => privateDecrypt({ key, ...padding }, data));
}

/**
 * OAEP (RFC 8017, 7.1) whose mask generation uses the digest of the label, or PKCS #1 v1.5, which OpenSSL decrypts to
 * random data instead of an error when the padding is wrong. OAEP without a digest means SHA-1, as in the RFC.
 */
function paddingOf({ padding, hash = 'SHA-1', maskGeneratorHash = hash }: Parameters): Padding {
  if (padding === 'PKCS1 v1.5') return { padding: constants.RSA_PKCS1_PADDING };
  if (padding !== 'OAEP')
    throw new OperationError(
      'Invalid Field',
      `Padding Method: ${padding ?? 'missing'}, expected OAEP or PKCS1 v1.5 for an RSA key`,
    );
  if (maskGeneratorHash !== hash)
    throw new OperationError(
      'Feature Not Supported',
      `Mask Generator Hashing Algorithm: ${maskGeneratorHash}, expected the Hashing Algorithm (${hash})`,
    );
  return { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hashFacts(hash).node };
}

function attempt(work: () => Buffer): Buffer {
  try {
    return work();
  } catch {
    throw new OperationError('Cryptographic Failure', 'the data do not suit the key and padding');
  }
}
