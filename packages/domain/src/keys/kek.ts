import { createSecretKey, type KeyObject } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import Type from 'typebox';
import { validator } from '../parse.ts';
import { Problem } from '../problem.ts';
import { Uuid } from './reference.ts';

/**
 * Protected header of a KEK ciphertext, which is the key's identifier as well: a compact JWE (RFC 7516) that any JOSE
 * library opens with the provider's primary key. The header is authenticated, so none of it can be exchanged.
 */
export const KekHeader = Type.Object(
  {
    alg: Type.Union([Type.Literal('A256KW'), Type.Literal('A256GCMKW')]),
    enc: Type.Literal('A256GCM'),
    typ: Type.Literal('vs-kek+jwe'),
    v: Type.Literal(1),
    /** The provider: immutable, never reused. */
    prv: Uuid,
    /** Name of the primary key: an index into the provider's own list, never looked up on the key server. */
    kid: Type.String({ maxLength: 256 }),
    /** Scope of the host that made the KEK. */
    scp: Type.String({ maxLength: 256 }),
    /** Seconds since 1970. */
    iat: Type.Integer({ minimum: 0 }),
    iv: Type.Optional(Type.String({ maxLength: 32 })),
    tag: Type.Optional(Type.String({ maxLength: 32 })),
  },
  { additionalProperties: false },
);
export type KekHeader = Type.Static<typeof KekHeader>;

/** Longest ciphertext that is looked at, in characters. */
export const maxKekCiphertext = 4096;
const kekBytes = 32;
const checkHeader = validator('KEK ciphertext header', KekHeader);

export type KekMaker = Pick<KekHeader, 'prv' | 'kid' | 'scp' | 'iat'>;

/**
 * Wraps 32 bytes of key with a provider's primary key. The caller wipes the bytes.
 * A256KW (RFC 7518, 4.4) needs no nonce, so a primary key has no limited number of uses.
 */
export async function wrapKek(primaryKey: KeyObject, maker: KekMaker, kek: Uint8Array): Promise<string> {
  const header = { alg: 'A256KW', enc: 'A256GCM', typ: 'vs-kek+jwe', v: 1, ...maker } as const;
  return await new CompactEncrypt(kek).setProtectedHeader(header).encrypt(primaryKey);
}

/** The header of a ciphertext, checked for form only: nothing of it is proven yet. @throws {Problem} `release.refused` */
export function readKekHeader(ciphertext: string): KekHeader {
  if (ciphertext.length > maxKekCiphertext) throw new Problem('release.refused', 'the KEK ciphertext is too long');
  try {
    return checkHeader(decodeProtectedHeader(ciphertext));
  } catch (cause) {
    throw new Problem('release.refused', 'this is no KEK ciphertext', { cause });
  }
}

/**
 * Opens a KEK ciphertext; the raw 32 bytes are wiped before it returns a key object.
 * @param use is lent the raw bytes, for re-wrapping and sealing
 * @throws {Problem} `release.refused`
 */
export async function openKek<T>(
  primaryKey: KeyObject,
  ciphertext: string,
  use: (kek: Uint8Array) => Promise<T> | T,
): Promise<T> {
  return await lendKek(await decryptKek(primaryKey, ciphertext), use);
}

/** Lends the raw bytes of a KEK, and wipes them behind their use. @throws {Problem} `release.refused` */
export async function lendKek<T>(plaintext: Uint8Array, use: (kek: Uint8Array) => Promise<T> | T): Promise<T> {
  try {
    if (plaintext.length !== kekBytes)
      throw new Problem('release.refused', `a KEK has ${kekBytes} bytes, not ${plaintext.length}`);
    return await use(plaintext);
  } finally {
    plaintext.fill(0);
  }
}

/** As `openKek`, for a key object. */
export const openKekObject = (primaryKey: KeyObject, ciphertext: string): Promise<KeyObject> =>
  openKek(primaryKey, ciphertext, (kek) => createSecretKey(kek));

async function decryptKek(primaryKey: KeyObject, ciphertext: string): Promise<Uint8Array> {
  try {
    const { plaintext } = await compactDecrypt(ciphertext, primaryKey, {
      keyManagementAlgorithms: ['A256KW'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    return plaintext;
  } catch (cause) {
    throw new Problem('release.refused', 'the ciphertext does not open with this primary key', { cause });
  }
}
