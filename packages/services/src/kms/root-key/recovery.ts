import { existsSync } from 'node:fs';
import { base64url } from '@vouchsafe/bytes/base64url';
import { Problem } from '@vouchsafe/domain/problem';
import { soleOwner } from '@vouchsafe/store/sole-owner';
import type { KmsLayout } from '../layout.ts';
import { aadOf, readStoredKey, replaceStoredKey } from './envelope.ts';
import { fileRootKey, makeRootKeyFile } from './file.ts';
import { recoverStoreKey, unwrapStoreKey } from './store-key.ts';

/**
 * Makes a recovery key, which opens the store when the TPM or the token is lost, in place of the one before. It is
 * written to `out` and nowhere else.
 *
 * @returns whether there was one before, which no longer opens anything
 * @throws {Problem} `object.exists` when `out` is there, `object.unknown` before the first start, and what the root key
 * throws
 */
export async function makeRecoveryKey(
  layout: KmsLayout,
  out: string,
  now: Date,
): Promise<{ readonly replaced: boolean }> {
  using _lock = soleOwner(`${layout.storeKey}.lock`);
  const stored = readStoredKey(layout.storeKey);
  if (stored === undefined)
    throw new Problem(
      'object.unknown',
      `${layout.storeKey}: missing: choose a root key first, or start the server once`,
    );
  if (existsSync(out)) throw new Problem('object.exists', `${out}: a file is there`);
  using key = await unwrapStoreKey(layout, stored);
  makeRootKeyFile(out);
  const wrapped = base64url(await fileRootKey(out).wrap(key, aadOf(stored.store, 'recovery')));
  const next = { ...stored, recovery: { wrapped, made: now.toISOString() } };
  await replaceStoredKey(layout.storeKey, next, async (back) => {
    using opened = await recoverStoreKey(back, out);
    if (!opened.equals(key)) throw new Problem('root-key.unopened', `${out} does not open to what it wrapped`);
  });
  return { replaced: stored.recovery !== undefined };
}
