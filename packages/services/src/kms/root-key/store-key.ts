import { existsSync } from 'node:fs';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import type { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { readIfThere, wipe } from '../../seal/key-file.ts';
import type { KmsLayout } from '../layout.ts';
import { aadOf, type RootKeyChoice, replaceStoredKey, rootKeyPath, type Step, type StoredKey } from './envelope.ts';
import { fileRootKey } from './file.ts';
import { pkcs11RootKey } from './pkcs11.ts';
import type { RootKey } from './root-key.ts';
import { tpmRootKey } from './tpm.ts';

/** Octets of the key of a store. */
export const storeKeyBytes = 32;

/** The root key that was chosen; nothing is opened yet. */
export function rootKeyOf(layout: KmsLayout, choice: RootKeyChoice): RootKey {
  switch (choice.kind) {
    case 'file':
      return fileRootKey(rootKeyPath(layout, choice.path));
    case 'tpm':
      return tpmRootKey(choice.tpm);
    case 'pkcs11':
      return pkcs11RootKey(choice, `${layout.storeKey}.pin-refused`);
  }
}

/** A store from before there was a wrapped key: the octets of its root key are the key of the store. */
export const isOlder = (layout: KmsLayout): boolean => existsSync(layout.database.file);

/** @throws {Problem} what the root key throws */
export async function unwrapStoreKey(layout: KmsLayout, { store, root, wrapped }: StoredKey): Promise<Secret> {
  await using rootKey = rootKeyOf(layout, root);
  return await rootKey.unwrap(fromBase64url(wrapped), aadOf(store, root.kind));
}

/** Opens with the recovery key, when the root key is lost. @throws {Problem} `root-key.unopened`, `file.unreadable` */
export async function recoverStoreKey({ store, recovery }: StoredKey, file: string): Promise<Secret> {
  if (recovery === undefined) throw new Problem('root-key.unopened', 'there is no recovery key of this store');
  return await fileRootKey(file).unwrap(fromBase64url(recovery.wrapped), aadOf(store, 'recovery'));
}

/** Overwrites the file of the old root key: the new one has opened the store, now or before a crash. For the owner of the lock. */
export async function retire(
  layout: KmsLayout,
  { retire: path, ...stored }: StoredKey,
  reached: (step: Step) => void = () => undefined,
): Promise<void> {
  if (path !== undefined && readIfThere(path) !== undefined) wipe(path, () => reached('overwritten'));
  await replaceStoredKey(layout.storeKey, stored, async () => undefined);
}
