import { sealerOf } from '@vouchsafe/store/seal';
import { connectionOf, readKmsConfig } from './config.ts';
import type { KmsLayout } from './layout.ts';
import { openStoreKey } from './root-key/open-store-key.ts';
import { openSqliteStore } from './sqlite-open.ts';
import type { KeyStore } from './store.ts';

/**
 * Opens the store of a key server with the key that its root key unwraps; makes both at the first call. It is a SQLite
 * file, unless the configuration names a database.
 * @throws {Problem}
 */
export async function openKeyStore(layout: KmsLayout): Promise<KeyStore> {
  const { postgres } = readKmsConfig(layout.config);
  const openSealer = async () => {
    using key = await openStoreKey(layout);
    return sealerOf(key);
  };
  if (postgres === undefined) return openSqliteStore(layout, await openSealer());
  // Loaded when it is needed: most key servers have no database.
  const { openPostgresStore } = await import('./postgres-open.ts');
  return await openPostgresStore(layout, connectionOf(postgres), openSealer);
}
