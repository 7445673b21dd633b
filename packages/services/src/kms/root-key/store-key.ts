import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { base64url } from '@vouchsafe/bytes/base64url';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { readIfThere, wipe } from '../../seal/key-file.ts';
import type { KmsLayout } from '../layout.ts';
import {
  aadOf,
  type RootKeyChoice,
  readStoredKey,
  replaceStoredKey,
  rootKeyPath,
  type StoredKey,
  wrappedOf,
  wrappedText,
} from './envelope.ts';
import { fileRootKey, makeRootKeyFile, readRootKeyFile } from './file.ts';
import type { RootKey } from './root-key.ts';

const storeKeyBytes = 32;

/** The root key that was chosen; nothing is opened yet. */
export function rootKeyOf(layout: KmsLayout, choice: RootKeyChoice): RootKey {
  return fileRootKey(rootKeyPath(layout, choice.path));
}

/**
 * The key under which the content of a store is sealed, 32 octets. The root key is needed for this only: a server asks
 * it once, when it starts. The first start makes both, with the root key in a file.
 *
 * @throws {Problem} `root-key.unopened`, `file.unreadable`, `disk.full`
 */
export async function openStoreKey(layout: KmsLayout): Promise<Secret> {
  rmSync(`${layout.storeKey}.tmp`, { force: true });
  const stored = readStoredKey(layout.storeKey);
  if (stored === undefined) return await withoutStoredKey(layout);
  const key = await unwrapped(layout, stored);
  if (stored.retire !== undefined) await retire(layout, stored, stored.retire);
  return key;
}

/** The first start; or a store from before there was a wrapped key: the octets of its root key are the key of the store. */
async function withoutStoredKey(layout: KmsLayout): Promise<Secret> {
  if (existsSync(layout.database.file)) return readRootKeyFile(layout.rootKey);
  makeRootKeyFile(layout.rootKey);
  const key = Secret.take(new Uint8Array(randomBytes(storeKeyBytes)));
  await writeStoredKey(layout, key, { kind: 'file', path: 'root.key' });
  return key;
}

/** Wraps the key anew, and puts it in place when what was written has opened. */
async function writeStoredKey(
  layout: KmsLayout,
  key: Secret,
  root: RootKeyChoice,
  retired?: string,
): Promise<StoredKey> {
  const made = { store: base64url(randomBytes(16)), root };
  await using rootKey = rootKeyOf(layout, root);
  const wrapped = wrappedText(await rootKey.wrap(key, aadOf(made)));
  const stored: StoredKey = { v: 1, kind: 'kms-store-key', ...made, wrapped, ...(retired && { retire: retired }) };
  await replaceStoredKey(layout.storeKey, stored, async (back) => {
    using opened = await unwrapped(layout, back);
    if (!opened.equals(key))
      throw new Problem('root-key.unopened', `${layout.storeKey}: it does not open to what was wrapped`);
  });
  return stored;
}

async function unwrapped(layout: KmsLayout, stored: StoredKey): Promise<Secret> {
  await using rootKey = rootKeyOf(layout, stored.root);
  return await rootKey.unwrap(wrappedOf(stored), aadOf(stored));
}

/** The old root key goes when the new one has opened the store, here or, after a crash, at the next start. */
async function retire(layout: KmsLayout, { retire: _, ...stored }: StoredKey, path: string): Promise<void> {
  if (readIfThere(path) !== undefined) wipe(path);
  await replaceStoredKey(layout.storeKey, stored, async () => undefined);
}
