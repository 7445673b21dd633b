import type { Secret } from '@vouchsafe/bytes/secret';
import type { LibvirtConnection } from './connection.ts';
import { LibvirtError, libvirtCodes } from './error.ts';
import type { RemoteSecret } from './procedures.ts';

/**
 * Defines a secret that stays in the daemon's memory (`ephemeral`) and that no client reads back (`private`).
 * Always with this one definition, without `<usage>`: libvirt refuses another usage for the same UUID, and defining it
 * again with the same one is no error.
 * @param uuid UUID by which the domain XML names the secret
 * @throws {LibvirtError}
 */
export async function defineEphemeralPrivate(connection: LibvirtConnection, uuid: string): Promise<RemoteSecret> {
  if (!/^[0-9a-f-]{36}$/i.test(uuid)) throw new TypeError(`secret: not a UUID: ${uuid}`);
  const xml = `<secret ephemeral='yes' private='yes'><uuid>${uuid}</uuid></secret>`;
  return (await connection.call('secretDefine', { xml, flags: 0 })).secret;
}

/** Hands the value over. QEMU wants passphrases to be UTF-8 text. @throws {LibvirtError} */
export async function setSecretValue(
  connection: LibvirtConnection,
  secret: RemoteSecret,
  value: Secret,
): Promise<void> {
  await value.use((bytes) => connection.call('secretSetValue', { secret, value: bytes, flags: 0 }));
}

/** Removes definition and value; a secret that is not there is no error. @throws {LibvirtError} */
export async function undefineSecret(connection: LibvirtConnection, uuid: string): Promise<void> {
  try {
    await connection.call('secretUndefine', { secret: { uuid, usageType: 0, usageID: '' } });
  } catch (error) {
    if (!(error instanceof LibvirtError && error.code === libvirtCodes.noSecret)) throw error;
  }
}

/** The secret of that UUID, undefined when libvirt has none. @throws {LibvirtError} */
export async function lookupSecret(connection: LibvirtConnection, uuid: string): Promise<RemoteSecret | undefined> {
  return unless(libvirtCodes.noSecret, async () => (await connection.call('secretLookup', { uuid })).secret);
}

/** All secrets that libvirt holds. @throws {LibvirtError} */
export async function listSecrets(connection: LibvirtConnection): Promise<RemoteSecret[]> {
  return (await connection.call('listSecrets', { needResults: 1, flags: 0 })).secrets;
}

/** The answer, or undefined when libvirt refused with this code. */
export async function unless<T>(code: number, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof LibvirtError && error.code === code) return undefined;
    throw error;
  }
}
