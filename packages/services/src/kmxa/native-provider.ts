import { createSecretKey, randomBytes } from 'node:crypto';
import { openNativeKek, wrapNativeKek } from '@vouchsafe/domain/keys/native-kek';
import type { Kek, KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { KeyReference } from '@vouchsafe/domain/keys/reference';
import { Problem } from '@vouchsafe/domain/problem';
import type { PushedKeys } from './pushed-keys.ts';

/**
 * A native key provider as a host uses it: KEKs are made here and wrapped under a key derivation key that the center
 * gave. Nobody is asked, so nothing that is down stands in the way; a removal counts from the moment that it is here.
 */
export class NativeProvider implements KeyProvider {
  readonly kind = 'native';
  readonly id: string;
  readonly #keys: PushedKeys;
  readonly #now: () => number;

  /** @param now seconds since 1970 */
  constructor(id: string, keys: PushedKeys, now: () => number) {
    this.id = id;
    this.#keys = keys;
    this.#now = now;
  }

  /** A new KEK; it is opened again before it is given out. */
  async generate(): Promise<Kek> {
    const { current = '' } = this.#native();
    const kdk = await this.#keys.derivationKey(this.id, current);
    if (kdk === undefined)
      throw new Problem('key.not-here', `key derivation key ${current} of provider ${this.id} is not on this host`);
    const bytes = randomBytes(32);
    const key = createSecretKey(bytes);
    const ct = await wrapNativeKek(this.id, kdk, this.#now(), bytes).finally(() => bytes.fill(0));
    const opened = await this.open({ kind: 'native', prv: this.id, ct });
    if (!opened.key.equals(key))
      throw new Problem('internal', 'the new key did not come back the same: nothing was encrypted with it');
    return opened;
  }

  async open(reference: KeyReference): Promise<Kek> {
    if (reference.kind !== 'native') throw new TypeError(`a ${reference.kind} key is not one of a native provider`);
    const { uses } = this.#native();
    const key = await openNativeKek(this.id, reference.ct, (id) => this.#keys.derivationKey(this.id, id));
    return { reference, key, uses };
  }

  #native() {
    const provider = this.#keys.provider(this.id);
    if (provider.told.kind !== 'native')
      throw new Problem('provider.unknown', `${this.id} is a ${provider.told.kind} provider on this host`);
    return provider;
  }
}
