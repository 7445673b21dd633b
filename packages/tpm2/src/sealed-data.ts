import type { Secret } from '@vouchsafe/bytes/secret';
import { type Created, create } from './commands/create.ts';
import { createPrimary } from './commands/create-primary.ts';
import { load } from './commands/load.ts';
import { startAuthSession } from './commands/start-auth-session.ts';
import { unseal } from './commands/unseal.ts';
import { sealed, storageRoot } from './storage-template.ts';
import type { Tpm } from './tpm.ts';

/** Most that a TPM must be able to seal, in bytes (Part 2, 11.1.14: MAX_SYM_DATA). */
export const maxSealedBytes = 128;

/**
 * Seals data under the storage root key: only this TPM opens them, until its owner hierarchy is cleared. They cross its
 * bus concealed, in a session that is salted to that key.
 * @param data at most `maxSealedBytes`
 * @throws {TpmResponseError} for instance when the owner hierarchy asks for an authorization value
 */
export async function sealData(tpm: Tpm, data: Secret): Promise<Created> {
  await using root = await createPrimary(tpm, 'owner', storageRoot);
  await using session = await startAuthSession(tpm, { type: 'hmac', saltKey: root });
  return await create(tpm, root, sealed(), { data }, [session.use({ encryptCommand: true })]);
}

/**
 * Opens what `sealData` made.
 * @throws {TpmResponseError} `TPM_RC_INTEGRITY` when another TPM made it, or this one was cleared since
 */
export async function openSealedData(tpm: Tpm, created: Created): Promise<Secret> {
  await using root = await createPrimary(tpm, 'owner', storageRoot);
  await using session = await startAuthSession(tpm, { type: 'hmac', saltKey: root });
  await using item = await load(tpm, root, created);
  return await unseal(tpm, item, [session.use({ encryptResponse: true })]);
}
