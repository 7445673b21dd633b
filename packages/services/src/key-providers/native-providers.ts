import { randomBytes, randomUUID } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import {
  backupEvent,
  backupOf,
  checkExport,
  type ImportPlan,
  NativeProviderState,
  newNative,
  planImport,
  pushedState,
  removed,
  rotated,
  saved,
  trimmed,
} from '@vouchsafe/domain/keys/native';
import { backupRounds, readNativeBackup, writeNativeBackup } from '@vouchsafe/domain/keys/native-backup';
import { derivationKeyBytes } from '@vouchsafe/domain/keys/native-kek';
import type { EventSink } from '@vouchsafe/domain/keys/provider-events';
import type { PushContent } from '@vouchsafe/domain/keys/push';
import { type KeyUse, keyUses } from '@vouchsafe/domain/keys/reference';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import { changed, recorded } from '../management/recorded.ts';

/** Collection of the store. */
const collection = 'native-providers';
const read = validator('stored native provider', NativeProviderState);

export interface NativeProvidersInput {
  readonly store: ConfigStore;
  readonly audit: (...entries: AuditEntry[]) => void;
  readonly tell: EventSink;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Rounds of key derivation of backups; fewer for tests only. */
  readonly rounds?: number;
}

/** How a provider is made or imported. */
export interface NativeOrder {
  readonly tpm_required?: boolean;
  readonly require_export_password?: boolean;
  readonly uses?: readonly KeyUse[];
}

/** A backup on its way. */
export interface NativeExport {
  readonly file: Uint8Array<ArrayBuffer>;
  /** Says that the file arrived: only then its keys count as backed up. */
  arrived(): void;
}

/** The native key providers of a center: what they are in its store, their keys as secrets of that store. */
export class NativeProviders {
  readonly #input: NativeProvidersInput;

  constructor(input: NativeProvidersInput) {
    this.#input = input;
  }

  list(): NativeProviderState[] {
    return this.#all().filter((provider) => !provider.removed);
  }

  /** @throws {Problem} `provider.unknown` */
  get(name: string): NativeProviderState {
    const found = this.list().find((provider) => provider.name === name || provider.prv === name);
    if (found === undefined) throw new Problem('provider.unknown', name);
    return found;
  }

  /** Makes a provider; it is of no use before it was exported. @throws {Problem} `object.exists` */
  create(name: string, order: NativeOrder = {}): NativeProviderState {
    if (this.list().some((provider) => provider.name === name)) throw new Problem('object.exists', `provider ${name}`);
    const { tpm_required = false, require_export_password = false, uses = keyUses } = order;
    const about = { prv: randomUUID(), name, tpm_required, require_export_password, uses: [...uses] };
    return this.#withNewKey((id) => newNative(about, id, this.#input.now()), 'created');
  }

  /** Adds a key; hosts use it once it is backed up. @throws {Problem} `provider.unknown`, `object.in-use` */
  rotate(name: string): NativeProviderState {
    const provider = this.get(name);
    return this.#withNewKey((id) => rotated(provider, id, this.#input.now()), 'rotated');
  }

  /**
   * A backup of a provider. An empty password gives a file that anybody opens, where the provider allows it.
   * @throws {Problem} `provider.unknown`, `input.invalid`
   */
  async export(name: string, password: Secret): Promise<NativeExport> {
    const provider = this.get(name);
    checkExport(provider, password.length > 0);
    const keys = new Map(provider.keys.map(({ id }) => [id, this.#key(provider.prv, id)]));
    try {
      const file = await writeNativeBackup(backupOf(provider), keys, password, this.#input.rounds ?? backupRounds);
      this.#input.audit(this.#entry(provider, 'exported', { password: password.length > 0 }));
      if (password.length === 0) this.#input.tell({ id: 'backup.open', provider: provider.name });
      return { file, arrived: () => this.#arrived(provider.prv, [...keys.keys()]) };
    } finally {
      for (const key of keys.values()) key[Symbol.dispose]();
    }
  }

  /**
   * Takes a provider from a backup, or says what that would do.
   * @throws {Problem} `object.exists`, `input.malformed`, `input.invalid` for a wrong password or another key under an id
   */
  async import(
    file: Uint8Array,
    password: Secret,
    order: NativeOrder & { readonly dryRun?: boolean; readonly replace?: boolean; readonly above?: number } = {},
  ): Promise<ImportPlan> {
    const { about, keys } = await readNativeBackup(file, password);
    try {
      const { uses = keyUses, require_export_password = false, tpm_required, replace = false, above = 0 } = order;
      const all = this.#all();
      const here = {
        same: all.find(({ prv }) => prv === about.prv),
        others: all.filter(({ prv }) => prv !== about.prv),
      };
      const constraint = tpm_required === undefined ? {} : { tpm_required };
      const plan = planImport(about, here, { uses: [...uses], require_export_password, replace, above, ...constraint });
      this.#refuseOtherKeys(about.prv, keys);
      if (order.dryRun !== true) this.#keep(plan.provider, keys, 'imported');
      return plan;
    } finally {
      for (const key of keys.values()) key[Symbol.dispose]();
    }
  }

  /** Forgets the keys that no VM needs. @param used ids of derivation keys that key safes name */
  trim(name: string, used: ReadonlySet<string>): NativeProviderState {
    const provider = this.get(name);
    const next = trimmed(provider, used);
    if (next === provider) return provider;
    const gone = provider.keys.filter(({ id }) => !next.keys.some((key) => key.id === id));
    this.#write(next, 'trimmed', () => this.#forget(next.prv, gone));
    return next;
  }

  /** @param users names of the VMs that need it @throws {Problem} `object.in-use` unless forced */
  remove(name: string, users: readonly string[], force = false): NativeProviderState {
    const provider = this.get(name);
    const next = removed(provider, users, force);
    this.#write(next, 'removed', () => this.#forget(next.prv, provider.keys));
    return next;
  }

  /**
   * What hosts are told of a provider, and its keys in that order; a removal of one that is gone.
   * The caller disposes of the secret.
   * @throws {Problem} `provider.not-backed-up`, `provider.unknown`
   */
  push(prv: string): { readonly content: PushContent; readonly secret: Secret } {
    const provider = this.#all().find((each) => each.prv === prv);
    if (provider === undefined) throw new Problem('provider.unknown', prv);
    if (provider.removed)
      return {
        content: { kind: 'native', prv, gen: provider.gen, removed: true },
        secret: Secret.take(new Uint8Array()),
      };
    const content = pushedState(provider);
    const all = new Uint8Array(content.keys.length * derivationKeyBytes);
    for (const [i, id] of content.keys.entries()) {
      using key = this.#key(prv, id);
      key.use((bytes) => all.set(bytes, i * derivationKeyBytes));
    }
    return { content, secret: Secret.take(all) };
  }

  /** Tells what is to be told of backups: at a start, and once a day. */
  remind(): void {
    for (const provider of this.list()) {
      const event = backupEvent(provider);
      if (event !== undefined && event.id !== 'backup.done') this.#input.tell(event);
    }
  }

  #withNewKey(make: (id: string) => NativeProviderState, what: string): NativeProviderState {
    const id = randomUUID();
    using key = Secret.take(new Uint8Array(randomBytes(derivationKeyBytes)));
    const provider = make(id);
    this.#keep(provider, new Map([[id, key]]), what);
    return provider;
  }

  #keep(provider: NativeProviderState, keys: ReadonlyMap<string, Secret>, what: string): void {
    this.#write(provider, what, () => {
      for (const [id, key] of keys) this.#input.store.putSecret(nameOf(provider.prv, id), key);
    });
    const event = backupEvent(provider);
    if (event !== undefined) this.#input.tell(event);
  }

  /** In one transaction with the audit record; the keys are read back before anybody relies on them. */
  #write(provider: NativeProviderState, what: string, secrets: () => void): void {
    const { store } = this.#input;
    recorded(this.#input, this.#entry(provider, what), () => {
      secrets();
      store.put(collection, provider.prv, provider);
      for (const { id } of provider.keys) this.#key(provider.prv, id)[Symbol.dispose]();
    });
  }

  #arrived(prv: string, ids: readonly string[]): void {
    const provider = this.get(prv);
    const next = saved(provider, ids);
    if (next === provider) return;
    this.#write(next, 'backed up', () => undefined);
    const event = backupEvent(next);
    if (event !== undefined) this.#input.tell(event);
  }

  #refuseOtherKeys(prv: string, keys: ReadonlyMap<string, Secret>): void {
    for (const [id, key] of keys) {
      using here = this.#input.store.getSecret(nameOf(prv, id));
      if (here !== undefined && !here.equals(key))
        throw new Problem('input.invalid', `keys: key ${id} is here, and another one than that of the file`);
    }
  }

  #forget(prv: string, keys: NativeProviderState['keys']): void {
    for (const { id } of keys) this.#input.store.deleteSecret(nameOf(prv, id));
  }

  #key(prv: string, id: string): Secret {
    const key = this.#input.store.getSecret(nameOf(prv, id));
    if (key === undefined) throw new Problem('file.unreadable', `key ${id} of provider ${prv} is not in the store`);
    return key;
  }

  #all(): NativeProviderState[] {
    return this.#input.store.list(collection).map(({ body }) => read(body));
  }

  #entry(provider: NativeProviderState, what: string, detail: Record<string, unknown> = {}): AuditEntry {
    const about = { kind: 'native', what, gen: provider.gen, keys: provider.keys.map(({ id }) => id) };
    return changed('config.change', 'native-provider', provider.prv, { name: provider.name, ...about, ...detail });
  }
}

const nameOf = (prv: string, id: string): string => `native/${prv}/${id}`;
