import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { concat } from '@vouchsafe/bytes/hex';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';

const ivBytes = 12;
const tagBytes = 16;

/** Seals the secrets of a store under a key that is kept outside it. */
export interface Sealer {
  seal(name: string, secret: Secret): Uint8Array;
  /** @throws {Problem} `file.unreadable` when it was sealed under another key, for another name, or was changed */
  open(name: string, sealed: Uint8Array): Secret;
}

/** AES-256-GCM under the key in a file (mode 0600, made when it is missing); the name of the secret is authenticated. */
export function fileSealer(path: string): Sealer {
  return sealerUnder(keyFile(path));
}

/** As `fileSealer`, under a key of 32 bytes that somebody else keeps; the caller disposes of it. */
export const sealerOf = (key: Secret): Sealer => sealerUnder(key.use((bytes) => createSecretKey(bytes)));

function sealerUnder(key: KeyObject): Sealer {
  return { seal: (name, secret) => seal(key, name, secret), open: (name, sealed) => open(key, name, sealed) };
}

function seal(key: KeyObject, name: string, secret: Secret): Uint8Array {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(name));
  const body = secret.use((bytes) => cipher.update(bytes));
  return concat(iv, body, cipher.final(), cipher.getAuthTag());
}

function open(key: KeyObject, name: string, sealed: Uint8Array): Secret {
  try {
    const iv = sealed.subarray(0, ivBytes);
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes }).setAAD(Buffer.from(name));
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    const plain = decipher.update(sealed.subarray(ivBytes, sealed.length - tagBytes));
    decipher.final();
    return Secret.take(plain);
  } catch (cause) {
    throw new Problem('file.unreadable', `the secret ${name} does not open with the key file of this part`, { cause });
  }
}

function keyFile(path: string): KeyObject {
  const bytes = readKey(path) ?? makeKey(path);
  try {
    if (bytes.length !== 32)
      throw new Problem('file.unreadable', `${path}: expected 32 bytes of key, found ${bytes.length}`);
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

function readKey(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}

function makeKey(path: string): Buffer {
  const bytes = randomBytes(32);
  try {
    writeWhole(openSync(path, 'wx', 0o600), path, bytes);
  } catch (cause) {
    const kind = (cause as NodeJS.ErrnoException).code === 'ENOSPC' ? 'disk.full' : 'file.unreadable';
    throw new Problem(kind, `${path}: the key cannot be written: ${(cause as Error).message}`, { cause });
  }
  return bytes;
}

/** A key that did not reach the disk whole does not stay: the next start would take it for one. */
function writeWhole(file: number, path: string, bytes: Uint8Array): void {
  try {
    if (writeSync(file, bytes) !== bytes.length) throw new Error('it was written in part only');
    fsyncSync(file);
  } catch (cause) {
    rmSync(path);
    throw cause;
  } finally {
    closeSync(file);
  }
}
