import { randomBytes } from 'node:crypto';
import { concat } from '@vouchsafe/bytes/hex';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { sealerOf } from '@vouchsafe/store/seal';
import { openKey, sealKey } from '../../seal/tpm-key-file.ts';
import { unsealed } from './file.ts';
import type { RootKey } from './root-key.ts';

const keyBytes = 32;
const lengthBytes = 2;

/**
 * A root key that this machine's TPM sealed under its storage hierarchy, a new one for each wrapping: the result is what
 * the TPM sealed, its length before it in two octets, and what AES-256-GCM wrapped under that key. It opens on this
 * machine alone, until the owner of the TPM clears it.
 *
 * @param tpm character device, or `unix:PATH` of an swtpm data socket
 */
export function tpmRootKey(tpm: string): RootKey {
  const where = `the TPM at ${tpm}`;
  return { where, make: async () => undefined, wrap, unwrap, [Symbol.asyncDispose]: async () => undefined };

  async function wrap(secret: Secret, aad: string): Promise<Uint8Array> {
    using key = Secret.take(new Uint8Array(randomBytes(keyBytes)));
    const sealed = await sealKey(tpm, key);
    const length = Uint8Array.of(sealed.length >> 8, sealed.length);
    return concat(length, sealed, sealerOf(key).seal(aad, secret));
  }

  async function unwrap(wrapped: Uint8Array, aad: string): Promise<Secret> {
    const body = lengthBytes + ((wrapped[0] ?? 0) << 8) + (wrapped[1] ?? 0);
    if (wrapped.length <= body) throw new Problem('root-key.unopened', `${where}: what it should open is not whole`);
    using key = await opened(wrapped.subarray(lengthBytes, body));
    if (key.length !== keyBytes) throw new Problem('root-key.unopened', `${where}: what it sealed is no root key`);
    return unsealed(sealerOf(key), wrapped.subarray(body), aad, where);
  }

  /** Whatever is wrong with what should be opened is one thing to an administrator; a TPM that is silent is another. */
  async function opened(sealed: Uint8Array): Promise<Secret> {
    try {
      return await openKey(tpm, 'store.key', sealed);
    } catch (cause) {
      if (cause instanceof Problem && cause.kind === 'tpm.unavailable') throw cause;
      throw new Problem('root-key.unopened', `${where} does not open it: ${(cause as Error).message}`, { cause });
    }
  }
}
