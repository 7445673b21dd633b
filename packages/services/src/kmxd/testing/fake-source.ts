import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { RemoteKey } from '@vouchsafe/domain/keys/remote-kek';
import { Problem } from '@vouchsafe/domain/problem';
import type { Provider } from '../configuration.ts';
import type { KeyState, ServerWord } from '../key-state.ts';
import type { PrimaryKeySource } from '../primary-keys.ts';

/** Key servers of all providers: keys by name, whoever asks, and for each server what it says of them. */
export class FakeSource implements PrimaryKeySource {
  readonly keys = new Map<string, KeyObject>();
  /** The keys whose state was asked for. */
  readonly asked: string[] = [];
  /** By server and key, where it differs from what `keys` says. */
  readonly said = new Map<string, KeyState | Problem>();
  /** What happens while the key servers take their time. */
  onAsk: () => void = () => undefined;

  /** All servers of a provider say the same of a key. */
  say(uid: string, word: KeyState | Problem): void {
    this.said.set(uid, word);
  }

  states({ servers }: Provider, uid: string): Promise<ServerWord[]> {
    this.asked.push(uid);
    this.onAsk();
    return Promise.resolve(
      servers.map(({ name: server }) => {
        const own = this.keys.has(uid) ? 'Active' : 'Missing';
        const word = this.said.get(`${server}/${uid}`) ?? this.said.get(uid) ?? own;
        const silent = word instanceof Problem;
        return { server, state: silent ? undefined : word, at: 0, problem: silent ? word.message : undefined };
      }),
    );
  }

  remote(_provider: Provider, uid: string): RemoteKey {
    const key = () => {
      const known = this.keys.get(uid);
      if (known === undefined) throw new Problem('kmip.refused', `no object ${uid}`);
      return known;
    };
    return {
      async encrypt(plaintext) {
        const iv = randomBytes(12);
        const cipher = createCipheriv('aes-256-gcm', key(), iv);
        const data = plaintext.use((bytes) => cipher.update(bytes));
        cipher.final();
        return { data, iv, tag: cipher.getAuthTag() };
      },
      async decrypt({ data, iv, tag }) {
        const decipher = createDecipheriv('aes-256-gcm', key(), iv).setAuthTag(tag);
        const plaintext = Secret.take(decipher.update(data));
        decipher.final();
        return plaintext;
      },
    };
  }

  get(_provider: Provider, uid: string): Promise<KeyObject> {
    const key = this.keys.get(uid);
    return key === undefined ? Promise.reject(new Problem('kmip.refused', `no object ${uid}`)) : Promise.resolve(key);
  }
}
