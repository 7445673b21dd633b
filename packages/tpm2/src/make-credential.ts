import { createCipheriv, createHmac, createSecretKey } from 'node:crypto';
import { encode } from '@vouchsafe/bytes/codec';
import { concat } from '@vouchsafe/bytes/hex';
import { type HashName, hashes } from './algorithms.ts';
import { TpmError } from './error.ts';
import { kdfA } from './kdf.ts';
import { decodePublic, Tpm2bDigest, type TpmtPublic } from './public.ts';
import { shareSecret } from './share-secret.ts';

/** What TPM2_ActivateCredential takes. Neither field has the size that precedes it on the wire. */
export interface Credential {
  /** Contents of TPM2B_ID_OBJECT: a sized integrity HMAC, then the encrypted secret. */
  readonly credentialBlob: Uint8Array<ArrayBuffer>;
  /** Contents of TPM2B_ENCRYPTED_SECRET. */
  readonly encryptedSecret: Uint8Array<ArrayBuffer>;
}

/**
 * TPM2_MakeCredential in software (Part 1, 24): a secret that a TPM hands out only when it holds both the decryption key
 * `ekPublicArea` and the object with the Name `akName`.
 * @param ekPublicArea bytes of the EK's bare TPMT_PUBLIC
 * @param akName Name of the AK, computed by the caller from the AK's public area (`nameOf`), never received
 * @param secret at most as long as a digest of the EK's nameAlg
 * @throws {DecodeError} when `ekPublicArea` is no public area
 * @throws {TpmError} `key` when the EK is not a restricted decryption key with AES-CFB, `credential` when the secret is
 *   too long
 */
export function makeCredential(ekPublicArea: Uint8Array, akName: Uint8Array, secret: Uint8Array): Credential {
  const ek = decodePublic(ekPublicArea);
  const keyBits = symmetricBitsOf(ek);
  const { secret: seed, encrypted: encryptedSecret } = shareSecret(ek, 'IDENTITY');
  const nameAlg = ek.nameAlg as HashName;
  const { size, node } = hashes[nameAlg];
  if (secret.length === 0 || secret.length > size)
    throw new TpmError('credential', `the secret has ${secret.length} bytes, expected 1 to ${size}`);
  const encIdentity = encrypt(kdfA(nameAlg, seed, 'STORAGE', akName, undefined, keyBits), encode(Tpm2bDigest, secret));
  const integrity = createHmac(node, createSecretKey(kdfA(nameAlg, seed, 'INTEGRITY')))
    .update(encIdentity)
    .update(akName)
    .digest();
  seed.fill(0);
  return { credentialBlob: concat(encode(Tpm2bDigest, integrity), encIdentity), encryptedSecret };
}

function symmetricBitsOf(ek: TpmtPublic): number {
  const { restricted, decrypt, sign } = ek.objectAttributes;
  if ((ek.type !== 'rsa' && ek.type !== 'ecc') || !restricted || !decrypt || sign)
    throw new TpmError('key', 'the key is no storage key, expected a restricted decryption key of type rsa or ecc');
  const { algorithm, keyBits, mode } = ek.parameters.symmetric;
  if (algorithm !== 'aes' || mode !== 'cfb' || !(keyBits === 128 || keyBits === 192 || keyBits === 256))
    throw new TpmError('key', `the key protects with ${algorithm} ${keyBits} ${mode}, expected AES in CFB mode`);
  return keyBits;
}

/** Part 1, 24: CFB with an initialisation vector of zeros, the key is used once. */
function encrypt(key: Uint8Array, plain: Uint8Array): Uint8Array<ArrayBuffer> {
  const cipher = createCipheriv(`aes-${8 * key.length}-cfb`, createSecretKey(key), new Uint8Array(16));
  const out = concat(cipher.update(plain), cipher.final());
  plain.fill(0);
  key.fill(0);
  return out;
}
