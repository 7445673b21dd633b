import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { soleOwner } from '@vouchsafe/store/sole-owner';
import type { KmsLayout } from '../layout.ts';
import {
  aadOf,
  type RootKeyChoice,
  readStoredKey,
  replaceStoredKey,
  rootKeyPath,
  type Step,
  type StoredKey,
} from './envelope.ts';
import { readRootKeyFile } from './file.ts';
import type { RootKey } from './root-key.ts';
import { isOlder, recoverStoreKey, retire, rootKeyOf, storeKeyBytes, unwrapStoreKey } from './store-key.ts';

export interface SetOptions {
  /** File of the recovery key, when the root key that was is lost. */
  readonly recovery?: string | undefined;
  readonly reached?: (step: Step) => void;
}

/** What a change left behind. */
export interface Moved {
  readonly where: string;
  /** The file of the root key of before, where it lies outside the data folder and is not ours to remove. */
  readonly left?: string | undefined;
}

/**
 * Puts the key of a store under another root key. The new wrapping is written, synced, read back and opened before it
 * takes the place of the old one; then the old root key is overwritten, if it lies in a file of the data folder. A crash
 * at any point leaves one of the two in place, and the next start finishes. A server that runs keeps on: it has asked for
 * its root key already. Before the first start, this makes the store's key.
 *
 * @throws {Problem} `root-key.unopened`, `tpm.unavailable`, `object.in-use` when another change is under way,
 * `file.unreadable`, `disk.full`
 */
export async function setRootKey(layout: KmsLayout, root: RootKeyChoice, options: SetOptions = {}): Promise<Moved> {
  const { reached = () => undefined } = options;
  using _lock = soleOwner(`${layout.storeKey}.lock`);
  rmSync(`${layout.storeKey}.tmp`, { force: true });
  const before = readStoredKey(layout.storeKey);
  using key = await currentKey(layout, before, options.recovery);
  if (before?.retire !== undefined) await retire(layout, before);
  const store = before?.store ?? base64url(randomBytes(16));
  await using rootKey = rootKeyOf(layout, root);
  await rootKey.make();
  reached('root key made');
  const retired = retiredBy(layout, root, before);
  const stored: StoredKey = {
    v: 1,
    kind: 'kms-store-key',
    store,
    root,
    wrapped: base64url(await rootKey.wrap(key, aadOf(store, root.kind))),
    ...(before?.recovery && { recovery: before.recovery }),
    ...(retired?.ours && { retire: retired.path }),
  };
  await replaceStoredKey(layout.storeKey, stored, (back) => opensTo(key, back, rootKey), reached);
  if (stored.retire !== undefined) await retire(layout, stored, reached);
  return { where: rootKey.where, left: retired?.ours === false ? retired.path : undefined };
}

async function currentKey(layout: KmsLayout, before: StoredKey | undefined, recovery?: string): Promise<Secret> {
  if (recovery !== undefined && before === undefined)
    throw new Problem('root-key.unopened', `${layout.storeKey}: missing; the recovery key opens nothing without it`);
  if (before !== undefined)
    return await (recovery === undefined ? unwrapStoreKey(layout, before) : recoverStoreKey(before, recovery));
  if (isOlder(layout)) return readRootKeyFile(layout.rootKey);
  return Secret.take(new Uint8Array(randomBytes(storeKeyBytes)));
}

/** What was written opens to the key that it is to hold, as far as it was wrapped: that of the root key. */
async function opensTo(key: Secret, { store, root, wrapped }: StoredKey, rootKey: RootKey): Promise<void> {
  using opened = await rootKey.unwrap(fromBase64url(wrapped), aadOf(store, root.kind));
  if (!opened.equals(key)) throw new Problem('root-key.unopened', `${rootKey.where} does not open to what it wrapped`);
}

/** The root key that this change puts out of use. Ours to remove are files of the data folder only. */
function retiredBy(layout: KmsLayout, root: RootKeyChoice, before: StoredKey | undefined) {
  const old = before?.root ?? { kind: 'file', path: layout.rootKey };
  if (old.kind !== 'file') return undefined;
  const path = rootKeyPath(layout, old.path);
  if (root.kind === 'file' && rootKeyPath(layout, root.path) === path) return undefined;
  return { path, ours: dirname(resolve(path)) === resolve(layout.dataDir) };
}
