import { randomBytes } from 'node:crypto';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { ensurePkcs11 } from '../../pkcs11/install.ts';
import type { CipherRequest } from '../../pkcs11/key-facts.ts';
import { Token } from '../../pkcs11/token.ts';
import type { RootKeyChoice } from './envelope.ts';
import type { RootKey } from './root-key.ts';

const keyBits = 256;
const ivBytes = 12;
const tagBits = 128;

/**
 * A root key that a PKCS#11 token made and never lets out: the token wraps, by AES-256-GCM (CKM_AES_GCM). The result is
 * the initialisation vector and what the token made of it. Nothing is opened before it is needed; then there is one
 * login.
 *
 * @param guard file that remembers a refused PIN
 */
export function pkcs11RootKey(choice: Extract<RootKeyChoice, { kind: 'pkcs11' }>, guard: string): RootKey {
  const { module, token: label, serial, key: name, pin_file: pinFile } = choice;
  const token = new Token({ module, token: label, pinFile, ...(serial !== undefined && { serial }) }, { guard });
  const key = { label: name };
  const where = `the key ${name} in ${token.where}`;

  return {
    where,
    async make() {
      await ensurePkcs11(() => undefined);
      if (!(await token.hasKey(key))) await token.makeKey(key, 'AES', keyBits);
    },
    async wrap(secret, aad) {
      const iv = new Uint8Array(randomBytes(ivBytes));
      return concat(iv, await secret.use((octets) => token.encrypt(key, cipherOf(iv, aad), octets)));
    },
    async unwrap(wrapped, aad) {
      await ensurePkcs11(() => undefined);
      if (wrapped.length < ivBytes + tagBits / 8) throw new Problem('root-key.unopened', `${where}: it is not whole`);
      const cipher = cipherOf(wrapped.subarray(0, ivBytes), aad);
      return Secret.take(await token.decrypt(key, cipher, wrapped.subarray(ivBytes)).catch(unopened));
    },
    [Symbol.asyncDispose]: () => token[Symbol.asyncDispose](),
  };
}

/** Tokens do not agree on what they answer to octets that are not authentic. */
function unopened(cause: unknown): never {
  if (!(cause instanceof Problem) || cause.kind !== 'hsm.refused') throw cause;
  throw new Problem('root-key.unopened', `it does not open what it should: ${cause.message}`, { cause });
}

const cipherOf = (iv: Uint8Array, aad: string): CipherRequest => ({
  mode: 'GCM',
  iv: hex(iv),
  aad: hex(new TextEncoder().encode(aad)),
  tagBits,
});
