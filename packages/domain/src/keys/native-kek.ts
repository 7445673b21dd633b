import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { Problem } from '../problem.ts';
import { openKekObject, readKekHeader, wrapKek } from './kek.ts';

/** A key derivation key of a native provider: its id and 32 octets. */
export interface DerivationKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** Octets of a key derivation key. */
export const derivationKeyBytes = 32;

/**
 * The key that wraps KEKs: HKDF-SHA-256(KDK, salt = its id as text, lower case with hyphens, "vouchsafe/native-kek/1").
 * The derivation key itself never wraps anything.
 */
export const wrappingKeyOf = ({ id, key }: DerivationKey): KeyObject =>
  createSecretKey(new Uint8Array(hkdfSync('sha256', key, id, 'vouchsafe/native-kek/1', 32)));

/** A KEK ciphertext of a native provider: the format of trusted providers, `kid` the derivation key, no scope. */
export const wrapNativeKek = (prv: string, kdk: DerivationKey, iat: number, kek: Uint8Array): Promise<string> =>
  wrapKek(wrappingKeyOf(kdk), { prv, kid: kdk.id, scp: '', iat }, kek);

/**
 * Opens a KEK ciphertext of a native provider.
 * @param find the derivation key of an id, among those of this provider alone
 * @throws {Problem} `key.not-here`, `release.refused`
 */
export async function openNativeKek(
  prv: string,
  ciphertext: string,
  find: (id: string) => Promise<DerivationKey | undefined> | DerivationKey | undefined,
): Promise<KeyObject> {
  const header = readKekHeader(ciphertext);
  if (header.prv !== prv)
    throw new Problem('release.refused', `the ciphertext is one of provider ${header.prv}, not of ${prv}`);
  const kdk = await find(header.kid);
  if (kdk === undefined)
    throw new Problem('key.not-here', `key derivation key ${header.kid} of provider ${prv} is not on this host`);
  return await openKekObject(wrappingKeyOf(kdk), ciphertext);
}
