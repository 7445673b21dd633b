import { type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { type KekMaker, openKek, wrapKek } from '@vouchsafe/domain/keys/kek';
import { openKekRemotely, type RemoteKey, wrapKekRemotely } from '@vouchsafe/domain/keys/remote-kek';
import { Problem } from '@vouchsafe/domain/problem';
import type { Provider } from './configuration.ts';
import { allows, type KeyPurpose, type KeyState, nextWord, type ServerWord, worstState } from './key-state.ts';

/** What the key servers of a provider give. */
export interface PrimaryKeySource {
  /** What each server says of a key; never throws. */
  states(provider: Provider, uid: string): Promise<ServerWord[]>;
  /** @throws {Problem} `kmip.unreachable`, `kmip.refused` */
  get(provider: Provider, uid: string): Promise<KeyObject>;
  /** A key that stays where it is. Both throw {Problem} `kmip.unreachable`, `kmip.refused`. */
  remote(provider: Provider, uid: string): RemoteKey;
}

/** A primary key at work. */
export interface PrimaryKey {
  readonly uid: string;
  wrap(maker: Omit<KekMaker, 'kid'>, kek: Uint8Array): Promise<string>;
  /** @param use is lent the raw bytes, which are wiped behind it. @throws {Problem} `release.refused` */
  open<T>(ciphertext: string, use: (kek: Uint8Array) => Promise<T> | T): Promise<T>;
}

/** What is known of a primary key, for people. */
export interface PrimaryKeyReport {
  readonly uid: string;
  /** What counts; undefined while no server has answered yet. */
  readonly state: KeyState | undefined;
  /** Seconds since any server last said so. */
  readonly age: number | undefined;
  readonly servers: readonly ServerWord[];
}

/** Somebody should know that the state of a primary key has changed. */
export interface StateChange {
  readonly provider: Provider;
  readonly uid: string;
  readonly from: KeyState | undefined;
  readonly to: KeyState;
}

interface Held {
  readonly key: KeyObject | RemoteKey | undefined;
  readonly words: readonly ServerWord[];
  readonly state: KeyState | undefined;
  /** When a server last told a state. */
  readonly told: number | undefined;
  /** When it was asked last, and why that failed. */
  readonly asked: number;
  readonly problem: unknown;
}

/** Seconds between two questions for the state of a primary key, to every key server of its provider. */
export const pollInterval = 3;

/**
 * The primary keys of all providers: in memory only, never written. Each is used only as the most restrictive of its key
 * servers says, and for `key_ttl` seconds at most when none of them answers.
 */
export class PrimaryKeys {
  readonly #source: PrimaryKeySource;
  readonly #now: () => number;
  readonly #onChange: (change: StateChange) => void;
  readonly #held = new Map<string, Held>();
  readonly #asking = new Map<string, Promise<Held>>();
  /** Counts what was forgotten: an answer to a question from before is not taken in. */
  #generation = 0;

  /** @param now seconds of any clock */
  constructor(source: PrimaryKeySource, now: () => number, onChange: (change: StateChange) => void = () => undefined) {
    [this.#source, this.#now, this.#onChange] = [source, now, onChange];
  }

  /** The key that wraps new KEKs. @throws {Problem} as `get` */
  async current(provider: Provider): Promise<PrimaryKey> {
    const uid = provider.primary_keys.find(({ role }) => role === 'current')?.uid;
    if (uid === undefined)
      throw new Problem('kmip.key-unusable', `provider ${provider.name} has no current primary key`);
    return await this.get(provider, uid, 'wrap');
  }

  /**
   * A key by its name, which the caller has found in the provider's own list.
   * @throws {Problem} `kmip.key-unusable` when its state forbids the purpose, `kmip.unreachable`, `kmip.refused`
   */
  async get(provider: Provider, uid: string, purpose: KeyPurpose): Promise<PrimaryKey> {
    let held = this.#held.get(nameOf(provider, uid)) ?? (await this.#ask(provider, uid));
    // Not by every request: whoever polls asks as well.
    if (this.#isStale(provider, held) && this.#now() - held.asked >= pollInterval)
      held = await this.#ask(provider, uid);
    if (this.#isStale(provider, held)) throw held.problem;
    const { state, key } = held;
    const denied = state === 'Compromised' && provider.deny_compromised;
    if (state === undefined || denied || !allows(state, purpose)) throw unusable(provider, uid, state, purpose);
    if (key === undefined) throw held.problem;
    return 'encrypt' in key ? remoteKey(uid, key) : localKey(uid, key);
  }

  /** Asks all key servers of these providers anew. */
  async poll(providers: readonly Provider[]): Promise<void> {
    const keys = providers.flatMap((provider) => provider.primary_keys.map(({ uid }) => ({ provider, uid })));
    await Promise.all(keys.map(({ provider, uid }) => this.#ask(provider, uid)));
  }

  /** Whether a key is here and may wrap: what is asked before a rotation goes on. @throws {Problem} as `get` */
  async test(provider: Provider, uid: string): Promise<PrimaryKey> {
    await this.#ask(provider, uid);
    const key = await this.get(provider, uid, 'wrap');
    // A server that tells the state of a key may still be unable to work with it, or give something else back.
    const kek = new Uint8Array(randomBytes(32));
    const ct = await key.wrap({ prv: provider.id, scp: '', iat: 0 }, kek);
    const same = await key.open(ct, (opened) => timingSafeEqual(opened, kek));
    if (!same)
      throw new Problem('kmip.refused', `provider ${provider.name}: ${uid} opens something else than it wraps`);
    return key;
  }

  report(provider: Provider, uid: string): PrimaryKeyReport {
    const held = this.#held.get(nameOf(provider, uid));
    const age = held?.told === undefined ? undefined : Math.max(0, Math.floor(this.#now() - held.told));
    return { uid, state: held?.state, age, servers: held?.words ?? [] };
  }

  /** Forgets the keys of a provider. */
  forget(id: string): void {
    this.#generation++;
    for (const name of this.#held.keys()) if (name.startsWith(`${id}/`)) this.#held.delete(name);
    for (const name of this.#asking.keys()) if (name.startsWith(`${id}/`)) this.#asking.delete(name);
  }

  /** Nobody has answered for too long. */
  #isStale({ key_ttl }: Provider, { told }: Held): boolean {
    return told === undefined || this.#now() - told > Math.max(key_ttl, 2 * pollInterval);
  }

  /** Many requests at once ask the key servers once. */
  #ask(provider: Provider, uid: string): Promise<Held> {
    const name = nameOf(provider, uid);
    const known = this.#asking.get(name);
    if (known !== undefined) return known;
    const generation = this.#generation;
    const asking = this.#askNow(provider, uid)
      .then((held) => {
        if (generation === this.#generation) this.#take(provider, uid, held);
        return held;
      })
      .finally(() => {
        if (this.#asking.get(name) === asking) this.#asking.delete(name);
      });
    this.#asking.set(name, asking);
    return asking;
  }

  async #askNow(provider: Provider, uid: string): Promise<Held> {
    const before = this.#held.get(nameOf(provider, uid));
    const said = await this.#source.states(provider, uid);
    // By place: two servers may have one name.
    const words = said.map((word, i) => nextWord(before?.words[i], word));
    const state = worstState(words);
    const now = this.#now();
    // A server without the key says nothing of it while another one had it: whoever cuts off all others gains no time.
    const heard = said.some(
      (word, i) => word.state !== undefined && (words[i]?.state !== 'Missing' || state === 'Missing'),
    );
    const told = heard ? now : before?.told;
    const unreached = new Problem(
      'kmip.unreachable',
      `provider ${provider.name}: ${words.map(({ server, problem }) => `${server}: ${problem}`).join('; ')}`,
    );
    const base = { words, state, told, asked: now };
    if (state === undefined || !usable(state)) return { ...base, key: undefined, problem: unreached };
    if (provider.alg === 'A256GCMKW') return { ...base, key: this.#source.remote(provider, uid), problem: unreached };
    if (before?.key !== undefined && !('encrypt' in before.key))
      return { ...base, key: before.key, problem: unreached };
    try {
      return { ...base, key: await this.#source.get(provider, uid), problem: unreached };
    } catch (problem) {
      return { ...base, key: undefined, problem };
    }
  }

  #take(provider: Provider, uid: string, held: Held): void {
    const name = nameOf(provider, uid);
    const from = this.#held.get(name)?.state;
    this.#held.set(name, held);
    if (held.state !== undefined && held.state !== from) this.#onChange({ provider, uid, from, to: held.state });
  }
}

const nameOf = ({ id }: Provider, uid: string): string => `${id}/${uid}`;

/** A key that nobody may use is not kept in memory. */
const usable = (state: KeyState): boolean => allows(state, 'rewrap');

const localKey = (uid: string, key: KeyObject): PrimaryKey => ({
  uid,
  wrap: (maker, kek) => wrapKek(key, { ...maker, kid: uid }, kek),
  open: (ciphertext, use) => openKek(key, ciphertext, use),
});

const remoteKey = (uid: string, key: RemoteKey): PrimaryKey => ({
  uid,
  wrap: (maker, kek) => wrapKekRemotely(key, { ...maker, kid: uid }, kek),
  open: (ciphertext, use) => openKekRemotely(key, ciphertext, use),
});

const doings: Readonly<Record<KeyPurpose, string>> = {
  wrap: 'nothing new is wrapped with it',
  open: 'it opens nothing, KEKs under it are only wrapped anew',
  rewrap: 'it opens nothing any more',
};

const unusable = ({ name }: Provider, uid: string, state: KeyState | undefined, purpose: KeyPurpose): Problem =>
  new Problem('kmip.key-unusable', `provider ${name}: primary key ${uid} is ${state ?? 'unknown'}: ${doings[purpose]}`);
