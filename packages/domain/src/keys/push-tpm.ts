import { randomBytes } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { Secret } from '@vouchsafe/bytes/secret';
import { type Credential, makeCredential } from '@vouchsafe/tpm2/make-credential';
import { nameOf } from '@vouchsafe/tpm2/name';
import { decodePublic, encodePublic } from '@vouchsafe/tpm2/public';
import { storageRoot } from '@vouchsafe/tpm2/storage-template';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { ekHash } from '../attestation/ek.ts';
import { Problem } from '../problem.ts';
import type { NativePush } from './push.ts';

const typ = 'vs-pushed-keys+jwe';
const contentKeyBytes = 32;

/** The TPM of a host as the host states it; which endorsement key is whose, the inventory says. */
export interface HostTpm {
  /** TPMT_PUBLIC of the endorsement key. */
  readonly ek: Uint8Array;
  /** TPMT_PUBLIC of the storage root key. */
  readonly storage: Uint8Array;
}

/**
 * Seals keys to one TPM: they are encrypted under a content key that goes through TPM2_MakeCredential to the endorsement
 * key of the inventory and the Name of the host's storage root key.
 * @param listed SHA-256 of the SubjectPublicKeyInfo of the EK in the inventory, in hexadecimal
 * @throws {Problem} `push.refused` when the host stated another TPM than the inventory has
 */
export async function sealToTpm(
  { ek, storage }: HostTpm,
  listed: string,
  secret: Secret,
): Promise<{ readonly tpm: NonNullable<NativePush['tpm']>; readonly secret: Secret }> {
  if (ekHash(ek) !== listed)
    throw new Problem('push.refused', `the host states endorsement key ${ekHash(ek)}, the inventory has ${listed}`);
  refuseOtherThanStorageRoot(storage);
  using contentKey = Secret.take(new Uint8Array(randomBytes(contentKeyBytes)));
  const { credentialBlob, encryptedSecret } = contentKey.use((key) => makeCredential(ek, nameOf(storage), key));
  const sealed = await contentKey.use((key) =>
    secret.use((bytes) =>
      new CompactEncrypt(bytes).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ }).encrypt(key),
    ),
  );
  const tpm = { blob: base64url(credentialBlob), secret: base64url(encryptedSecret) };
  return { tpm, secret: Secret.take(Uint8Array.from(Buffer.from(sealed))) };
}

/** What ActivateCredential takes of a push. */
export const credentialOf = ({ blob, secret }: NonNullable<NativePush['tpm']>): Credential => ({
  credentialBlob: fromBase64url(blob),
  encryptedSecret: fromBase64url(secret),
});

/** Opens the keys with the content key that the TPM gave. @throws {Problem} `push.refused` */
export async function openFromTpm(contentKey: Secret, sealed: Uint8Array): Promise<Secret> {
  try {
    const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
    const { plaintext, protectedHeader } = await contentKey.use((key) =>
      compactDecrypt(Buffer.from(sealed).toString('latin1'), key, options),
    );
    if (protectedHeader.typ !== typ) throw new TypeError('typ');
    return Secret.take(plaintext);
  } catch (cause) {
    throw new Problem('push.refused', 'the keys do not open with what the TPM gave', { cause });
  }
}

/** A key that leaves its TPM, or one that anybody can load, would make "only that TPM" an empty word. */
function refuseOtherThanStorageRoot(storage: Uint8Array): void {
  const area = decodePublic(storage);
  const same =
    area.type === 'ecc' &&
    equalBytes(encodePublic({ ...area, unique: storageRoot.unique } as typeof storageRoot), encodePublic(storageRoot));
  if (!same) throw new Problem('push.refused', 'storage: expected the ECC P-256 storage root key of the TPM');
}
