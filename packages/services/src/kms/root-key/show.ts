import { Problem } from '@vouchsafe/domain/problem';
import { kmsLayout } from '../layout.ts';
import { type RootKeyChoice, readStoredKey } from './envelope.ts';
import { rootKeyOf, unwrapStoreKey } from './store-key.ts';

export interface ShownRootKey {
  readonly kind: RootKeyChoice['kind'];
  readonly where: string;
  /** When the recovery key was made, as RFC 3339 writes it. */
  readonly recovery: string | null;
  readonly opens: boolean;
  /** Why it does not open. */
  readonly problem?: Problem;
}

/** Which root key a store wants, and whether it opens the store. @throws {Problem} `object.unknown` when there is none */
export async function showRootKey(dataDir: string): Promise<ShownRootKey> {
  const layout = kmsLayout(dataDir);
  const stored = readStoredKey(layout.storeKey);
  if (stored === undefined)
    throw new Problem('object.unknown', `${layout.storeKey}: missing: the key server was not started yet`);
  const shown = {
    kind: stored.root.kind,
    where: rootKeyOf(layout, stored.root).where,
    recovery: stored.recovery?.made ?? null,
  };
  try {
    using _key = await unwrapStoreKey(layout, stored);
    return { ...shown, opens: true };
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return { ...shown, opens: false, problem };
  }
}
