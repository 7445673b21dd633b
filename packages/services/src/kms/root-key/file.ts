import { hkdfSync, randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { type Sealer, sealerOf } from '@vouchsafe/store/seal';
import { readIfThere, writeSurely } from '../../seal/key-file.ts';
import type { RootKey } from './root-key.ts';

const keyBytes = 32;

/** A root key of 32 octets in a file. What it wraps is wrapped under a key derived from it, by AES-256-GCM. */
export function fileRootKey(path: string): RootKey {
  const where = `the file ${path}`;
  return {
    where,
    make: async () => makeRootKeyFile(path),
    wrap: async (secret, aad) => sealer(path).seal(aad, secret),
    unwrap: async (wrapped, aad) => unsealed(sealer(path), wrapped, aad, where),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/**
 * Makes the file of a new root key, for its owner only, unless it is there.
 * @throws {Problem} `file.unreadable`, `disk.full`
 */
export function makeRootKeyFile(path: string): void {
  if (readIfThere(path) !== undefined) return;
  using key = Secret.take(new Uint8Array(randomBytes(keyBytes)));
  key.use((octets) => writeSurely(path, octets));
}

/** @throws {Problem} `root-key.unopened` */
export function unsealed(sealer: Sealer, wrapped: Uint8Array, aad: string, where: string): Secret {
  try {
    return sealer.open(aad, wrapped);
  } catch (cause) {
    throw new Problem('root-key.unopened', `${where} does not open what it should: another key, or it was changed`, {
      cause,
    });
  }
}

/**
 * The octets of a root key file.
 * @throws {Problem} `file.unreadable` when it is missing, others may read it, or it is no key
 */
export function readRootKeyFile(path: string): Secret {
  const octets = readIfThere(path);
  if (octets === undefined)
    throw new Problem('file.unreadable', `${path}: missing; without it no key in the store opens`);
  const key = Secret.take(octets);
  if (key.length !== keyBytes)
    throw new Problem('file.unreadable', `${path}: expected ${keyBytes} octets of key, found ${key.length}`);
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0)
    throw new Problem('file.unreadable', `${path}: others than its owner may use it: chmod 600 ${path}`);
  return key;
}

function sealer(path: string): Sealer {
  using root = readRootKeyFile(path);
  using derived = Secret.take(
    root.use(
      (octets) => new Uint8Array(hkdfSync('sha256', octets, new Uint8Array(), 'root key of a key server', keyBytes)),
    ),
  );
  return sealerOf(derived);
}
