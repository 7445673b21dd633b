import { sealerOf } from '@vouchsafe/store/seal';
import type { KmsLayout } from './layout.ts';
import { openStoreKey } from './root-key/open-store-key.ts';
import { openSqliteStore } from './sqlite-open.ts';
import type { KeyStore } from './store.ts';

/** Opens the store of a key server with the key that its root key unwraps; makes both at the first call. @throws {Problem} */
export async function openKeyStore(layout: KmsLayout): Promise<KeyStore> {
  using key = await openStoreKey(layout);
  return openSqliteStore(layout, sealerOf(key));
}
