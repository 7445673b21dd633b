import type { Secret } from '@vouchsafe/bytes/secret';
import { soleOwner } from '@vouchsafe/store/sole-owner';
import { keepOutOfCoreDumps } from '../../core-dumps.ts';
import type { KmsLayout } from '../layout.ts';
import { readStoredKey } from './envelope.ts';
import { readRootKeyFile } from './file.ts';
import { setRootKey } from './set-root-key.ts';
import { isOlder, retire, unwrapStoreKey } from './store-key.ts';

/**
 * The key under which the content of a store is sealed, 32 octets. The root key is needed for this only: a server asks
 * it once, when it starts. The first start makes both, with the root key in a file. A process that holds this key writes
 * no memory into core dumps.
 *
 * @throws {Problem} `root-key.unopened`, `tpm.unavailable`, `file.unreadable`, `disk.full`, `object.in-use`
 */
export async function openStoreKey(layout: KmsLayout): Promise<Secret> {
  keepOutOfCoreDumps();
  const stored = readStoredKey(layout.storeKey);
  if (stored !== undefined) {
    const key = await unwrapStoreKey(layout, stored);
    if (stored.retire !== undefined) await finishMove(layout);
    return key;
  }
  if (isOlder(layout)) return readRootKeyFile(layout.rootKey);
  await setRootKey(layout, { kind: 'file', path: 'root.key' });
  return await openStoreKey(layout);
}

/** A crash came between a new root key and the end of the old one. */
async function finishMove(layout: KmsLayout): Promise<void> {
  using _lock = soleOwner(`${layout.storeKey}.lock`);
  const stored = readStoredKey(layout.storeKey);
  if (stored?.retire !== undefined) await retire(layout, stored);
}
