import type { KeyObject } from 'node:crypto';
import { Problem } from '@vouchsafe/domain/problem';
import type { Provider } from './configuration.ts';

/** Gets a primary key from the key servers of a provider. */
export interface PrimaryKeySource {
  /** @throws {Problem} `kmip.unreachable`, `kmip.refused`, `kmip.key-unusable` */
  get(provider: Provider, uid: string): Promise<{ key: KeyObject; active: boolean }>;
}

interface Held {
  readonly key: KeyObject;
  readonly active: boolean;
  readonly until: number;
}

/** Seconds that a primary key is used before the key server is asked again. */
export const primaryKeyLifetime = 60;

/** The primary keys of all providers: in memory only, each for a short time, never written. */
export class PrimaryKeys {
  readonly #source: PrimaryKeySource;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  readonly #asked = new Map<string, Promise<Held>>();

  constructor(source: PrimaryKeySource, now: () => number) {
    this.#source = source;
    this.#now = now;
  }

  /** The key that wraps new KEKs. @throws {Problem} `kmip.key-unusable` when it is not active, and as `get` */
  async current(provider: Provider): Promise<{ uid: string; key: KeyObject }> {
    const uid = provider.primary_keys.find(({ role }) => role === 'current')?.uid;
    if (uid === undefined)
      throw new Problem('kmip.key-unusable', `provider ${provider.name} has no current primary key`);
    const { key, active } = await this.#get(provider, uid);
    if (!active)
      throw new Problem('kmip.key-unusable', `primary key ${uid} is not active: nothing new is wrapped with it`);
    return { uid, key };
  }

  /** A key by its name, which the caller has found in the provider's own list. */
  async get(provider: Provider, uid: string): Promise<KeyObject> {
    return (await this.#get(provider, uid)).key;
  }

  /** Forgets the keys of a provider. */
  forget(id: string): void {
    for (const name of this.#held.keys()) if (name.startsWith(`${id}/`)) this.#held.delete(name);
  }

  /** Many requests at once ask the key server once. */
  async #get(provider: Provider, uid: string): Promise<Held> {
    const name = `${provider.id}/${uid}`;
    const held = this.#held.get(name);
    if (held !== undefined && held.until > this.#now()) return held;
    const asked = this.#asked.get(name) ?? this.#ask(provider, uid, name);
    return await asked;
  }

  #ask(provider: Provider, uid: string, name: string): Promise<Held> {
    const asked = this.#source
      .get(provider, uid)
      .then((found) => {
        const held = { ...found, until: this.#now() + primaryKeyLifetime };
        this.#held.set(name, held);
        return held;
      })
      .finally(() => this.#asked.delete(name));
    this.#asked.set(name, asked);
    return asked;
  }
}
