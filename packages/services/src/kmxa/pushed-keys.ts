import { createSecretKey, type KeyObject } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { type DerivationKey, derivationKeyBytes } from '@vouchsafe/domain/keys/native-kek';
import {
  commitmentOf,
  isRemoval,
  type KeyPush,
  type NativePush,
  type OpenedPush,
  openPush,
  ProviderName,
  type Removal,
  type StandardPush,
} from '@vouchsafe/domain/keys/push';
import { type PresentedPush, pushRules, Told, toldBy } from '@vouchsafe/domain/keys/push-rules';
import { type KeyUse, KeyUses, Uuid } from '@vouchsafe/domain/keys/reference';
import { validator } from '@vouchsafe/domain/parse';
import { kindOf, Problem } from '@vouchsafe/domain/problem';
import { firstRefusal } from '@vouchsafe/domain/rules';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';
import type { AgentIdentity } from './agent-identity.ts';
import { type PushTpm, TpmSealed } from './push-tpm.ts';

const closed = { additionalProperties: false } as const;

const HeldKey = Type.Object(
  {
    id: Uuid,
    commitment: Type.String(),
    /** Absent when it lies in the store, under the store's own key. */
    sealed: Type.Optional(TpmSealed),
  },
  closed,
);

/** A provider as it was pushed; of a removed one only that it was. */
const HeldProvider = Type.Object(
  {
    told: Told,
    name: ProviderName,
    uses: KeyUses,
    tpm_required: Type.Boolean(),
    /** Key derivation keys of a native provider, and the one for new keys. */
    keys: Type.Array(HeldKey),
    current: Type.Optional(Uuid),
  },
  closed,
);
export type HeldProvider = Type.Static<typeof HeldProvider>;

/** A key of a standard provider: its octets are in memory alone. */
const HeldStandardKey = Type.Object({ told: Told, state: Type.String(), commitment: Type.String() }, closed);
export type HeldStandardKey = Type.Static<typeof HeldStandardKey>;

const readProvider = validator('stored provider', HeldProvider);
const readKey = validator('stored key', HeldStandardKey);
const [providers, standardKeys] = ['pushed-providers', 'pushed-keys'] as const;

/** Most providers and keys that a host takes, removed ones included. */
const limits = { providers: 256, keys: 10_000 } as const;

export interface PushedKeysInput {
  readonly store: ConfigStore;
  readonly audit: (entry: AuditEntry) => void;
  readonly identity: AgentIdentity;
  readonly tpm: PushTpm;
  /** Thumbprint of the center's CA, as local root pinned it. */
  readonly center: string | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** Pushes of the center that wait for one another. */
const mostWaiting = 256;
/** The rule that tells the pinned center from anybody. */
const byCenter = 'push.center';
/** Seconds between records of refusals: what anybody can send again must not fill the disk. */
const refusalInterval = 60;

/** Octets of a push that came open. */
type Opened = ReadonlyMap<string, Secret>;

/**
 * What a center gave to this host: key derivation keys of native providers, keys of standard ones. It takes pushes by
 * the rules of the domain, one after the other, each whole or not at all, and forgets keys with their removal.
 */
export class PushedKeys {
  readonly #input: PushedKeysInput;
  /** Open keys by provider and id. */
  readonly #open = new Map<string, KeyObject>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #nextRefusal = 0;

  constructor(input: PushedKeysInput) {
    this.#input = input;
  }

  /**
   * Takes a push. The answer says which generation is here, whether it came now or was here before.
   * @throws {Problem} `push.refused`, `tpm.unavailable`, `audit.unwritable` and others: nothing has changed then
   */
  async accept(sealed: string): Promise<{ readonly prv: string; readonly gen: number }> {
    const push = await openPush(this.#input.identity.privateKey, sealed);
    try {
      // Before it waits: what anybody can send does not stand in the way of the center.
      await this.#judge(push);
      return await this.#inTurn(() => this.#accept(push));
    } catch (error) {
      this.#recordRefusal(push.claims, error);
      throw error;
    } finally {
      push.bytes.fill(0);
    }
  }

  /** All providers that are here, without the removed ones. */
  list(): { readonly prv: string; readonly provider: HeldProvider }[] {
    return this.#input.store
      .listState(providers)
      .map(({ name, body }) => ({ prv: name, provider: readProvider(body) }))
      .filter(({ provider }) => !provider.told.removed);
  }

  /** A provider that is here. @throws {Problem} `key.not-here` */
  provider(prv: string): HeldProvider {
    const found = this.#provider(prv);
    if (found === undefined || found.told.removed)
      throw new Problem('key.not-here', `provider ${prv}${found?.told.removed ? ' was removed from this host' : ''}`);
    return found;
  }

  /** A key derivation key of a native provider; undefined when it is not here. @throws {Problem} `seal.unopened` */
  async derivationKey(prv: string, id: string): Promise<DerivationKey | undefined> {
    const held = this.provider(prv).keys.find((key) => key.id === id);
    if (held === undefined) return undefined;
    const known = this.#open.get(nameOf(prv, id));
    if (known !== undefined) return { id, key: known };
    using secret =
      held.sealed === undefined
        ? this.#input.store.getSecret(nameOf(prv, id))
        : await this.#input.tpm.unseal(held.sealed);
    if (secret === undefined) return undefined;
    if (secret.use((bytes) => commitmentOf(prv, id, bytes)) !== held.commitment)
      throw new Problem('seal.unopened', `key derivation key ${id} of provider ${prv} is not the one that was pushed`);
    const key = secret.use((bytes) => createSecretKey(bytes));
    this.#open.set(nameOf(prv, id), key);
    return { id, key };
  }

  /** The keys of a standard provider, and which of them are in memory. */
  standardKeys(
    prv: string,
  ): { readonly id: string; readonly held: HeldStandardKey; readonly key: KeyObject | undefined }[] {
    return this.#input.store
      .listState(standardKeys)
      .filter(({ name }) => name.startsWith(`${prv}/`))
      .map(({ name, body }) => ({ id: name.slice(prv.length + 1), held: readKey(body), key: this.#open.get(name) }))
      .filter(({ held }) => !held.told.removed);
  }

  /** A key of a standard provider. @throws {Problem} `key.not-here` */
  standardKey(prv: string, id: string): { readonly held: HeldStandardKey; readonly key: KeyObject } {
    this.provider(prv);
    const held = this.#standardKey(prv, id);
    const key = this.#open.get(nameOf(prv, id));
    if (held === undefined || held.told.removed || key === undefined)
      throw new Problem('key.not-here', `key ${id} of provider ${prv}`);
    return { held, key };
  }

  /** Forgets the open keys. */
  close(): void {
    this.#open.clear();
  }

  /** One push after the other. @throws {Problem} `server.busy` */
  async #inTurn<T>(take: () => Promise<T>): Promise<T> {
    if (this.#waiting >= mostWaiting)
      throw new Problem('server.busy', 'pushes of keys wait', { data: { retry_after: 1 } });
    this.#waiting++;
    const next = this.#last.catch(() => undefined).then(take);
    this.#last = next;
    return await next.finally(() => this.#waiting--);
  }

  async #accept(push: OpenedPush) {
    const { claims, bytes } = push;
    const answer = { prv: claims.prv, gen: claims.gen };
    const opened = new Map<string, Secret>();
    try {
      await this.#judge(push);
      if (await this.#isHere(claims)) return answer;
      await this.#openInto(opened, claims, bytes);
      await this.#apply(claims, opened);
      return answer;
    } finally {
      for (const secret of opened.values()) secret[Symbol.dispose]();
    }
  }

  /** Whether all of a push was taken before and still opens: the center asks again when it did not hear our answer. */
  async #isHere(claims: KeyPush): Promise<boolean> {
    const known =
      claims.kind === 'native' || isRemoval(claims)
        ? this.#provider(claims.prv)
        : this.#standardKey(claims.prv, claims.key);
    if (isRemoval(claims) || known?.told.gen !== claims.gen || known.told.removed) return false;
    if (claims.kind === 'standard') return this.#open.has(nameOf(claims.prv, claims.key));
    const there = claims.keys.map((id) => this.derivationKey(claims.prv, id).catch(() => undefined));
    return (await Promise.all(there)).every((key) => key !== undefined);
  }

  async #judge({ claims, signer, ca }: Pick<PresentedPush, 'claims' | 'signer' | 'ca'>): Promise<void> {
    const { center, identity, now } = this.#input;
    const provider = this.#provider(claims.prv)?.told;
    const key = this.#standardKey(claims.prv, keyOf(claims))?.told;
    const presented = { claims, signer, ca, center, me: identity.id, now: now(), provider, key };
    const refusal = await firstRefusal(pushRules, presented);
    if (refusal === undefined) return this.#refuseTooMany(claims);
    const { rule } = refusal;
    // What is here is told only to the center itself: whoever else asks learns nothing.
    const data = rule === byCenter ? { rule } : { rule, gen: provider?.gen, removed: provider?.removed };
    throw new Problem('push.refused', refusal.why, { data });
  }

  #refuseTooMany(claims: KeyPush): void {
    const { store } = this.#input;
    const { prv } = claims;
    const unknownKey = claims.kind === 'standard' && this.#standardKey(prv, keyOf(claims)) === undefined;
    const full =
      (this.#provider(prv) === undefined && store.countState(providers) >= limits.providers) ||
      (unknownKey && store.countState(standardKeys) >= limits.keys);
    if (full)
      throw new Problem(
        'push.refused',
        `this host holds ${limits.providers} providers and ${limits.keys} keys at most`,
      );
  }

  /** The keys of a push, each alone, after they were held against what is known of their ids. */
  async #openInto(opened: Map<string, Secret>, claims: KeyPush, bytes: Uint8Array): Promise<void> {
    if (isRemoval(claims)) return;
    const ids = claims.kind === 'native' ? claims.keys : [claims.key];
    const credential = claims.kind === 'native' ? claims.tpm : undefined;
    using all =
      credential === undefined ? Secret.take(Uint8Array.from(bytes)) : await this.#input.tpm.open(credential, bytes);
    if (all.length !== ids.length * derivationKeyBytes)
      throw new Problem(
        'push.refused',
        `expected ${derivationKeyBytes} octets for each of ${ids.length} keys, found ${all.length}`,
      );
    for (const [i, id] of ids.entries()) {
      const from = i * derivationKeyBytes;
      const key = all.use((octets) => Secret.take(octets.slice(from, from + derivationKeyBytes)));
      opened.set(id, key);
      this.#refuseOther(claims.prv, id, key, this.#commitment(claims, id));
    }
  }

  /** An id has one key for good: what was encrypted with it must go on opening. */
  #refuseOther(prv: string, id: string, key: Secret, known: string | undefined): void {
    if (known !== undefined && key.use((bytes) => commitmentOf(prv, id, bytes)) !== known)
      throw new Problem('push.refused', `key ${id} of provider ${prv} is another one than before`);
  }

  #commitment(claims: NativePush | StandardPush, id: string): string | undefined {
    const { prv } = claims;
    if (claims.kind === 'native') return this.#provider(prv)?.keys.find((key) => key.id === id)?.commitment;
    const known = this.#standardKey(prv, id);
    return known?.commitment === '' ? undefined : known?.commitment;
  }

  async #apply(claims: KeyPush, opened: Opened): Promise<void> {
    if (isRemoval(claims)) return this.#remove(claims);
    const { prv } = claims;
    if (claims.kind === 'native') await this.#applyNative(claims, opened);
    else this.#applyStandard(claims, opened);
    for (const [id, secret] of opened)
      this.#open.set(
        nameOf(prv, id),
        secret.use((bytes) => createSecretKey(bytes)),
      );
  }

  async #applyNative(claims: NativePush, opened: Opened): Promise<void> {
    const { store, tpm } = this.#input;
    const { prv, name, uses, tpm_required, current } = claims;
    const keys: HeldProvider['keys'] = [];
    for (const [id, secret] of opened) {
      const commitment = secret.use((bytes) => commitmentOf(prv, id, bytes));
      keys.push({ id, commitment, ...(tpm_required ? { sealed: await tpm.seal(secret) } : {}) });
    }
    const before = this.#provider(prv);
    const gone = (before?.keys ?? []).filter(({ id }) => tpm_required || !claims.keys.includes(id));
    store.together(() => {
      store.putState(providers, prv, { told: toldBy(claims, before?.told), name, uses, tpm_required, keys, current });
      for (const { id } of gone) store.deleteSecret(nameOf(prv, id));
      if (!tpm_required) for (const [id, secret] of opened) store.putSecret(nameOf(prv, id), secret);
      this.#record(claims);
    });
    for (const { id } of gone) this.#open.delete(nameOf(prv, id));
  }

  #applyStandard(claims: StandardPush, opened: Opened): void {
    const { store } = this.#input;
    const { prv, key, name, uses, state } = claims;
    const [before, of] = [this.#standardKey(prv, key), this.#provider(prv)];
    const commitment = opened.get(key)!.use((bytes) => commitmentOf(prv, key, bytes));
    const newest = of === undefined || of.told.removed || of.told.gen < claims.gen;
    const told = newest ? toldBy(claims, of?.told) : of.told;
    const known = newest ? { name, uses: [...uses] as KeyUse[] } : { name: of.name, uses: of.uses };
    store.together(() => {
      store.putState(providers, prv, { told, ...known, tpm_required: false, keys: [] });
      store.putState(standardKeys, nameOf(prv, key), { told: toldBy(claims, before?.told), state, commitment });
      this.#record(claims);
    });
  }

  #remove(claims: Removal): void {
    const { store } = this.#input;
    const { prv, key } = claims;
    const gone = key === undefined ? this.#keysOf(prv) : [key];
    store.together(() => {
      if (key === undefined) {
        const before = this.#provider(prv);
        const name = before?.name ?? 'unknown';
        store.putState(providers, prv, {
          told: toldBy(claims, before?.told),
          name,
          uses: [],
          tpm_required: false,
          keys: [],
        });
      }
      for (const id of gone) {
        store.deleteSecret(nameOf(prv, id));
        if (claims.kind === 'standard') this.#removeKey(claims, id);
      }
      this.#record(claims);
    });
    for (const id of gone) this.#open.delete(nameOf(prv, id));
  }

  /** Of a provider that is gone as a whole its own record says so; of one key, a record of the key does. */
  #removeKey(claims: Removal, id: string): void {
    const { store } = this.#input;
    const name = nameOf(claims.prv, id);
    if (claims.key === undefined) store.deleteState(standardKeys, name);
    else {
      const told = toldBy(claims, this.#standardKey(claims.prv, id)?.told);
      store.putState(standardKeys, name, { told, state: 'removed', commitment: '' });
    }
  }

  #keysOf(prv: string): string[] {
    const native = this.#provider(prv)?.keys.map(({ id }) => id) ?? [];
    const standard = this.#input.store
      .listState(standardKeys)
      .filter(({ name }) => name.startsWith(`${prv}/`))
      .map(({ name }) => name.slice(prv.length + 1));
    return [...native, ...standard];
  }

  #provider(prv: string): HeldProvider | undefined {
    const stored = this.#input.store.getState(providers, prv);
    return stored === undefined ? undefined : readProvider(stored);
  }

  #standardKey(prv: string, id: string | undefined): HeldStandardKey | undefined {
    const stored = id === undefined ? undefined : this.#input.store.getState(standardKeys, nameOf(prv, id));
    return stored === undefined ? undefined : readKey(stored);
  }

  #recordRefusal(claims: KeyPush, error: unknown): void {
    const notWorthIt = error instanceof Problem && (error.data.rule === byCenter || error.kind === 'server.busy');
    if (notWorthIt || this.#input.now() < this.#nextRefusal) return;
    this.#nextRefusal = this.#input.now() + refusalInterval;
    this.#record(claims, error);
  }

  #record(claims: KeyPush, error?: unknown): void {
    const keys = 'keys' in claims ? claims.keys : [keyOf(claims)].filter((each) => each !== undefined);
    this.#input.audit({
      action: isRemoval(claims) ? 'key.push-removed' : 'key.pushed',
      actor: { kind: 'center', id: claims.iss },
      target: { kind: 'provider', id: claims.prv },
      outcome: error === undefined ? 'success' : 'failure',
      ...(error === undefined ? {} : { problem: kindOf(error) }),
      detail: {
        kind: claims.kind,
        gen: claims.gen,
        keys,
        ...(error === undefined ? {} : { reason: (error as Error).message }),
      },
    });
  }
}

const nameOf = (prv: string, id: string): string => `${prv}/${id}`;
const keyOf = (claims: KeyPush): string | undefined => ('key' in claims ? claims.key : undefined);
