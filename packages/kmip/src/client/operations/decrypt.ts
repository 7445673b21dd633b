import type { Secret } from '@vouchsafe/bytes/secret';
import type { CryptographicParameters } from '../../cryptographic-parameters.ts';
import { KmipError } from '../../error.ts';
import { decrypt as operation } from '../../operations/decrypt.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { aesGcm, authenticated, type Ciphertext, isAuthenticated } from './encrypt.ts';
import { expectId } from './expect.ts';

/** How to decrypt: as it was encrypted. */
export interface DecryptOptions extends CallOptions {
  /** Default: AES-GCM with a tag of 16 octets. */
  readonly parameters?: CryptographicParameters;
  readonly additional?: Uint8Array;
}

/** Has the server decrypt with a key that stays there. Whoever gets the plaintext wipes it. */
export const decrypt =
  (cluster: Cluster) =>
  async (id: string, ciphertext: Ciphertext, options: DecryptOptions = {}): Promise<Secret> => {
    const { additional, parameters = aesGcm } = options;
    const { data, iv, tag } = ciphertext;
    const aead = isAuthenticated(parameters);
    // A server that is given no tag may check none.
    if (aead && tag?.length !== (parameters.tagLength ?? 16)) throw new TypeError('ciphertext: the tag is missing');
    const answer = await cluster.send(
      aead || additional !== undefined ? { ...operation, ...authenticated } : operation,
      { id, parameters, data, iv, additional, tag },
      { id, deadline: cluster.deadline(options) },
    );
    try {
      expectId('Decrypt', id, answer.id);
      if (answer.data === undefined) throw new KmipError('answer.invalid', 'Decrypt: no data came');
      if (aead && answer.data.length !== data.length)
        throw new KmipError('answer.invalid', `Decrypt: ${data.length} octets were given, ${answer.data.length} came`);
      return answer.data;
    } catch (error) {
      answer.data?.[Symbol.dispose]();
      throw error;
    }
  };
