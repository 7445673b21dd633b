import { rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { jsonReader } from '@vouchsafe/domain/parse';
import Type from 'typebox';
import { readIfThere, writeBeside } from '../../seal/key-file.ts';
import type { KmsLayout } from '../layout.ts';

const closed = { additionalProperties: false } as const;
const Octets = Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 8192 });
const Path = Type.String({ minLength: 1, maxLength: 4096 });

/** Which root key wraps, as an administrator chose it. */
export const RootKeyChoice = Type.Union([
  /** A path that is not absolute starts at the data folder. */
  Type.Object({ kind: Type.Literal('file'), path: Path }, closed),
  /** Character device, or `unix:PATH` of an swtpm data socket. */
  Type.Object({ kind: Type.Literal('tpm'), tpm: Type.String({ pattern: '^(?:unix:)?/', maxLength: 4096 }) }, closed),
  Type.Object(
    {
      kind: Type.Literal('pkcs11'),
      /** The shared library of the token's vendor. */
      module: Type.String({ pattern: '^/', maxLength: 4096 }),
      /** Label of the token (CK_TOKEN_INFO). */
      token: Type.String({ minLength: 1, maxLength: 32 }),
      serial: Type.Optional(Type.String({ minLength: 1, maxLength: 16 })),
      /** Label of the key in the token (CKA_LABEL). */
      key: Type.String({ minLength: 1, maxLength: 128 }),
      pin_file: Type.String({ pattern: '^/', maxLength: 4096 }),
    },
    closed,
  ),
]);
export type RootKeyChoice = Type.Static<typeof RootKeyChoice>;

/**
 * The key of a store, wrapped, as it lies in `store.key`. It says itself which root key it wants, so that no setting can
 * differ from what is true.
 */
const StoredKey = Type.Object(
  {
    v: Type.Literal(1),
    kind: Type.Literal('kms-store-key'),
    /** Random name of the store, authenticated by every wrapping. */
    store: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
    root: RootKeyChoice,
    wrapped: Octets,
    /** The same key under the recovery key, a root key in a file that is kept elsewhere. */
    recovery: Type.Optional(Type.Object({ wrapped: Octets, made: Type.String({ maxLength: 32 }) }, closed)),
    /** The file of the root key before this one, until it is overwritten. */
    retire: Type.Optional(Path),
  },
  closed,
);
export type StoredKey = Type.Static<typeof StoredKey>;

const read = jsonReader('wrapped key of the store', StoredKey);

/** @throws {Problem} `file.unreadable`, `input.malformed`, `input.invalid` */
export function readStoredKey(path: string): StoredKey | undefined {
  const text = readIfThere(path);
  return text && read(text.toString('utf8'));
}

/** Steps of a change after which a test may kill the process. */
export type Step = 'root key made' | 'written' | 'read back' | 'placed' | 'overwritten';

/**
 * Writes the wrapped key in two steps: beside the file and synced, then, when `check` has opened what was really
 * written, in the place of the one before.
 * @throws {Problem} `file.unreadable`, `disk.full`, and what `check` throws: the old one stands
 */
export async function replaceStoredKey(
  path: string,
  stored: StoredKey,
  check: (back: StoredKey) => Promise<void>,
  reached: (step: Step) => void = () => undefined,
): Promise<void> {
  const beside = writeBeside(path, Buffer.from(`${JSON.stringify(stored)}\n`));
  reached('written');
  try {
    await check(readStoredKey(beside.path)!);
  } catch (cause) {
    rmSync(beside.path, { force: true });
    throw cause;
  }
  reached('read back');
  beside.putInPlace();
  reached('placed');
}

/** What every wrapping is bound to: it opens for this store and this kind of root key only. */
export const aadOf = (store: string, kind: RootKeyChoice['kind'] | 'recovery'): string =>
  `kms store key/${store}/${kind}`;

/** The file of a root key as it is opened. */
export const rootKeyPath = (layout: KmsLayout, path: string): string =>
  isAbsolute(path) ? path : join(layout.dataDir, path);
