import Type from 'typebox';
import { Problem } from '../problem.ts';
import type { NativeBackupAbout } from './native-backup.ts';
import type { ProviderEvent } from './provider-events.ts';
import { ProviderName } from './push.ts';
import { KeyUses, Uuid } from './reference.ts';

const closed = { additionalProperties: false } as const;

/** A key derivation key as its center knows it: the octets lie elsewhere. */
const NativeKey = Type.Object(
  {
    id: Uuid,
    /** Seconds since 1970. */
    made: Type.Integer(),
    /** Whether a backup holds it. */
    saved: Type.Boolean(),
  },
  closed,
);

/** A native key provider as its center keeps it. A removed one stays, so that its removal can be told. */
export const NativeProviderState = Type.Object(
  {
    prv: Uuid,
    name: ProviderName,
    /** Counts up with all that hosts are told. */
    gen: Type.Integer({ minimum: 1 }),
    tpm_required: Type.Boolean(),
    require_export_password: Type.Boolean(),
    uses: KeyUses,
    /** Oldest first. */
    keys: Type.Array(NativeKey, { maxItems: 32 }),
    removed: Type.Boolean(),
    /** Generation of the removal that an import took back. */
    restores: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  closed,
);
export type NativeProviderState = Type.Static<typeof NativeProviderState>;

export interface NativeProviderHealth {
  readonly health: 'NONE' | 'OK' | 'WARNING' | 'ERROR';
  readonly details: readonly string[];
}

const mostKeys = 32;

/** A new provider with its first key: not backed up, so of no use yet. */
export const newNative = (
  about: Pick<NativeProviderState, 'prv' | 'name' | 'tpm_required' | 'require_export_password' | 'uses'>,
  keyId: string,
  now: number,
): NativeProviderState => ({ ...about, gen: 1, keys: [{ id: keyId, made: now, saved: false }], removed: false });

/**
 * The key that hosts make new keys under: the newest one that a backup holds. What no backup holds would be lost with
 * the center, and with it every VM.
 * @throws {Problem} `provider.not-backed-up`, `object.unknown` of a removed provider
 */
export function currentKey(provider: NativeProviderState): string {
  refuseRemoved(provider);
  const current = provider.keys.findLast(({ saved }) => saved);
  if (current === undefined) throw new Problem('provider.not-backed-up', `native provider ${provider.name}`);
  return current.id;
}

/** What hosts get: the keys that a backup holds. @throws {Problem} as `currentKey` */
export function pushedState(provider: NativeProviderState) {
  const current = currentKey(provider);
  const { prv, name, gen, uses, tpm_required, restores } = provider;
  const keys = provider.keys.filter(({ saved }) => saved).map(({ id }) => id);
  return {
    kind: 'native',
    prv,
    name,
    gen,
    uses,
    tpm_required,
    keys,
    current,
    ...(restores === undefined ? {} : { restores }),
  } as const;
}

/**
 * Whether the provider may be exported so.
 * @throws {Problem} `input.invalid` without a password where one is required, `object.unknown` of a removed provider
 */
export function checkExport(provider: NativeProviderState, withPassword: boolean): void {
  refuseRemoved(provider);
  if (!withPassword && provider.require_export_password)
    throw new Problem('input.invalid', `password: provider ${provider.name} is exported with a password only`);
}

/** What the backup says of the provider. */
export const backupOf = ({ prv, name, gen, tpm_required, keys }: NativeProviderState): NativeBackupAbout => ({
  prv,
  name,
  gen,
  tpm_required,
  keys: keys.map(({ id, made }) => ({ id, made })),
});

/** After a backup with these keys reached whoever asked for it. */
export const saved = (provider: NativeProviderState, ids: readonly string[]): NativeProviderState => {
  const keys = provider.keys.map((key) => ({ ...key, saved: key.saved || ids.includes(key.id) }));
  const more = keys.some((key, i) => key.saved !== provider.keys[i]?.saved);
  return more ? { ...provider, keys, gen: provider.gen + 1 } : provider;
};

/** One key more; those before it stay until no VM needs them. @throws {Problem} `object.in-use` when there are too many */
export function rotated(provider: NativeProviderState, keyId: string, now: number): NativeProviderState {
  refuseRemoved(provider);
  if (provider.keys.length >= mostKeys)
    throw new Problem(
      'object.in-use',
      `provider ${provider.name} has ${mostKeys} keys: re-encrypt VMs of the oldest first`,
    );
  return { ...provider, gen: provider.gen + 1, keys: [...provider.keys, { id: keyId, made: now, saved: false }] };
}

/** Without the keys that no VM needs; the current one and newer ones stay. */
export function trimmed(provider: NativeProviderState, used: ReadonlySet<string>): NativeProviderState {
  const current = provider.keys.findLastIndex((key) => key.saved);
  const keys = provider.keys.filter(({ id }, i) => i >= current || used.has(id));
  return keys.length === provider.keys.length ? provider : { ...provider, keys, gen: provider.gen + 1 };
}

/**
 * The provider after its removal.
 * @param users names of VMs that need it
 * @throws {Problem} `object.in-use` naming them, unless forced
 */
export function removed(provider: NativeProviderState, users: readonly string[], force: boolean): NativeProviderState {
  refuseRemoved(provider);
  if (users.length > 0 && !force)
    throw new Problem(
      'object.in-use',
      `provider ${provider.name} is needed by ${users.length} VMs, for instance ${users.slice(0, 3).join(', ')}`,
    );
  return { ...provider, gen: provider.gen + 1, keys: [], removed: true };
}

/** What an import does, or would do. */
export interface ImportPlan {
  readonly provider: NativeProviderState;
  /** Provider that is here under this id, with its generation; undefined when there is none. */
  readonly replaces: { readonly name: string; readonly gen: number; readonly removed: boolean } | undefined;
  /** Keys that come with it. */
  readonly added: readonly string[];
}

/**
 * Plans the import of a backup. A provider that is here loses no key by it.
 * @param here the provider of this id, if there is one, and the ids of all others by name
 * @throws {Problem} `object.exists` when the id is in use and nobody said to replace it, or the name is another's
 */
export function planImport(
  about: NativeBackupAbout,
  here: { readonly same: NativeProviderState | undefined; readonly others: readonly NativeProviderState[] },
  order: Pick<NativeProviderState, 'require_export_password' | 'uses'> & {
    readonly tpm_required?: boolean;
    readonly replace: boolean;
    /** Generation that hosts told when they refused an older one: a center that was lost did not know of it. */
    readonly above?: number;
  },
): ImportPlan {
  const { same, others } = here;
  if (others.some(({ name, removed: gone }) => name === about.name && !gone))
    throw new Problem('object.exists', `another provider is called ${about.name}`);
  if (same !== undefined && !same.removed && !order.replace)
    throw new Problem('object.exists', `provider ${same.name} (${same.prv}) is here with generation ${same.gen}`);
  const known = same?.keys ?? [];
  const added = about.keys.filter(({ id }) => !known.some((key) => key.id === id));
  const merged = [
    ...known.map((key) => ({ ...key, saved: key.saved || about.keys.some(({ id }) => id === key.id) })),
    ...added.map((key) => ({ ...key, saved: true })),
  ];
  const { require_export_password, uses, tpm_required = about.tpm_required } = order;
  const provider: NativeProviderState = {
    prv: about.prv,
    name: about.name,
    // Above all that was ever told: of what is here, and of what was when the backup was made.
    gen: Math.max(same?.gen ?? 0, about.gen, order.above ?? 0) + 1,
    tpm_required,
    require_export_password,
    uses,
    keys: merged.toSorted((a, b) => a.made - b.made),
    removed: false,
    ...restoring(same),
  };
  if (merged.length > mostKeys) throw new Problem('input.invalid', `keys: ${merged.length}, ${mostKeys} at most`);
  const replaces = same === undefined ? undefined : { name: same.name, gen: same.gen, removed: same.removed };
  return { provider, replaces, added: added.map(({ id }) => id) };
}

const restoring = (same: NativeProviderState | undefined) => {
  const restores = same?.removed ? same.gen : same?.restores;
  return restores === undefined ? {} : { restores };
};

/** Health as the vendor contract has it. */
export function healthOf({ name, keys, removed: gone }: NativeProviderState): NativeProviderHealth {
  if (gone) return { health: 'NONE', details: [] };
  if (!keys.some((key) => key.saved))
    return { health: 'WARNING', details: [`provider ${name} was never backed up and makes no keys: export it once`] };
  const unsaved = keys.filter((key) => !key.saved);
  if (unsaved.length === 0) return { health: 'OK', details: [] };
  const ids = unsaved.map(({ id }) => id).join(', ');
  return { health: 'WARNING', details: [`no backup holds key ${ids} of provider ${name}: export it again`] };
}

/** What is to be told of its backup, now and once a day while it stays so. */
export function backupEvent({ name, keys, removed: gone }: NativeProviderState): ProviderEvent | undefined {
  if (gone) return undefined;
  const unsaved = keys.findLast((key) => !key.saved);
  if (unsaved === undefined) return { id: 'backup.done', provider: name };
  if (unsaved.id === keys[0]?.id || !keys.some((key) => key.saved)) return { id: 'backup.missing', provider: name };
  return { id: 'backup.outdated', provider: name, key: unsaved.id };
}

function refuseRemoved({ name, removed: gone }: NativeProviderState): void {
  if (gone) throw new Problem('object.unknown', `native provider ${name} was removed`);
}
