import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '../problem.ts';
import { type KekHeader, type KekMaker, lendKek, readKekHeader } from './kek.ts';

/** A ciphertext of AES-256-GCM: 96 bits of IV, 128 bits of tag. */
export interface GcmCiphertext {
  readonly data: Uint8Array;
  readonly iv: Uint8Array;
  readonly tag: Uint8Array;
}

/** A primary key that never leaves its key server: the server encrypts and decrypts with it. */
export interface RemoteKey {
  /** AES-256-GCM with an IV that was not used before. */
  encrypt(plaintext: Secret): Promise<GcmCiphertext>;
  /** @throws when the tag is not right */
  decrypt(ciphertext: GcmCiphertext): Promise<Secret>;
}

const [keyBytes, ivBytes, tagBytes] = [32, 12, 16];
const gcm = 'aes-256-gcm';

/**
 * Wraps 32 bytes of key under a primary key that stays on its server. The caller wipes the bytes.
 * A256GCMKW (RFC 7518, 4.7): the server encrypts a content key that is used once, the rest is done here.
 */
export async function wrapKekRemotely(remote: RemoteKey, maker: KekMaker, kek: Uint8Array): Promise<string> {
  using contentKey = Secret.take(randomBytes(keyBytes));
  const wrapped = await remote.encrypt(contentKey);
  expectGcm(wrapped);
  const [wrapIv, wrapTag] = [base64url(wrapped.iv), base64url(wrapped.tag)];
  const header: KekHeader = {
    alg: 'A256GCMKW',
    enc: 'A256GCM',
    typ: 'vs-kek+jwe',
    v: 1,
    ...maker,
    iv: wrapIv,
    tag: wrapTag,
  };
  const head = base64url(Buffer.from(JSON.stringify(header)));
  const iv = randomBytes(ivBytes);
  const cipher = contentKey.use((key) => createCipheriv(gcm, createSecretKey(key), iv));
  cipher.setAAD(Buffer.from(head, 'ascii'));
  const text = Buffer.concat([cipher.update(kek), cipher.final()]);
  return [head, ...[wrapped.data, iv, text, cipher.getAuthTag()].map(base64url)].join('.');
}

/**
 * Opens a KEK ciphertext whose primary key stays on its server; the raw bytes are wiped behind `use`.
 * @throws {Problem} `release.refused`; what `decrypt` throws
 */
export async function openKekRemotely<T>(
  remote: RemoteKey,
  ciphertext: string,
  use: (kek: Uint8Array) => Promise<T> | T,
): Promise<T> {
  const { iv, tag, alg } = readKekHeader(ciphertext);
  if (alg !== 'A256GCMKW' || iv === undefined || tag === undefined) throw refused();
  const [head = '', ...parts] = ciphertext.split('.');
  if (parts.length !== 4) throw refused();
  const [data, textIv, text, textTag] = parts.map(octets) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const wrapped = { data, iv: octets(iv), tag: octets(tag) };
  if (textIv.length !== ivBytes || textTag.length !== tagBytes || text.length !== keyBytes) throw refused();
  expectGcm(wrapped);
  using contentKey = await remote.decrypt(wrapped);
  if (contentKey.length !== keyBytes) throw refused();
  return await lendKek(plaintextOf(contentKey, { data: text, iv: textIv, tag: textTag }, head), use);
}

function plaintextOf(contentKey: Secret, { data, iv, tag }: GcmCiphertext, head: string): Uint8Array {
  const decipher = contentKey.use((key) =>
    createDecipheriv(gcm, createSecretKey(key), iv, { authTagLength: tagBytes }),
  );
  decipher.setAAD(Buffer.from(head, 'ascii')).setAuthTag(tag);
  const plaintext = decipher.update(data);
  try {
    decipher.final();
    return plaintext;
  } catch (cause) {
    plaintext.fill(0);
    throw refused(cause);
  }
}

function expectGcm({ data, iv, tag }: GcmCiphertext): void {
  if (data.length !== keyBytes || iv.length !== ivBytes || tag.length !== tagBytes)
    throw new Problem(
      'release.refused',
      `expected a wrapped key of ${keyBytes}, an IV of ${ivBytes} and a tag of ${tagBytes} bytes`,
    );
}

function octets(part: string): Uint8Array {
  try {
    return fromBase64url(part);
  } catch (cause) {
    throw refused(cause);
  }
}

const refused = (cause?: unknown): Problem =>
  new Problem('release.refused', 'the ciphertext does not open with this primary key', { cause });
