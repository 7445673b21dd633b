import { sealerOf } from '@vouchsafe/store/seal';
import type { KmsLayout } from '../layout.ts';
import { KmsStore } from '../store.ts';
import { openStoreKey } from './open-store-key.ts';

/** Opens the store of a key server with the key that its root key unwraps. @throws {Problem} */
export async function openStore(layout: KmsLayout): Promise<KmsStore> {
  using key = await openStoreKey(layout);
  return KmsStore.open(layout, sealerOf(key));
}
