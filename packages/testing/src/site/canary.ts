import { createPrivateKey, createSecretKey } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { base64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { openKek } from '@vouchsafe/domain/keys/kek';
import { openPart, readKeySafe } from '@vouchsafe/domain/keys/key-safe';
import { passphraseOf } from '@vouchsafe/domain/keys/passphrase';
import { kmipClient } from '@vouchsafe/kmip/client/client';
import type { KeyServerProcess } from './key-server.ts';

/** A secret that must be nowhere, in every spelling in which it could be. */
export interface Canary {
  readonly name: string;
  readonly spellings: readonly Buffer[];
}

/** The secret as raw bytes and as text of usual codings; texts that stand for it are given as bytes already. */
export const canary = (name: string, secret: Uint8Array): Canary => ({
  name,
  spellings: [
    Buffer.from(secret),
    Buffer.from(hex(secret)),
    Buffer.from(hex(secret).toUpperCase()),
    Buffer.from(base64url(secret)),
    Buffer.from(Buffer.from(secret).toString('base64').replace(/=+$/, '')),
  ],
});

/** All keys behind a key safe, taken the long way: primary key from the key server, KEK, DEKs, passphrases. */
export async function keysBehind(server: KeyServerProcess, keysafe: string): Promise<Canary[]> {
  const primary = await primaryKey(server);
  const safe = readKeySafe(keysafe);
  const [entry] = safe.keks;
  if (entry?.kind !== 'trusted') throw new TypeError('expected a key of a trusted provider');
  const kek = await openKek(createSecretKey(primary), entry.ct, (bytes) => Buffer.from(bytes));
  const { n, ...reference } = entry;
  const found = [canary('primary key', primary), canary('KEK', kek)];
  for (const part of safe.parts) {
    using dek = await openPart(safe, part, { n, reference, key: createSecretKey(kek) });
    using passphrase = passphraseOf(dek, part.luks, 'luks');
    found.push(
      dek.use((bytes) => canary(`DEK of ${part.id}`, bytes)),
      passphrase.use((bytes) => canary(`passphrase of ${part.id}`, bytes)),
    );
  }
  return found;
}

async function primaryKey({ address, ca, certificate, key, primaryKeyId }: KeyServerProcess): Promise<Buffer> {
  const [host = '', port] = address.split(':');
  using client = kmipClient({
    servers: [{ host, port: Number(port), trust: { ca } }],
    certificate,
    key: createPrivateKey(key),
  });
  using fetched = await client.get(primaryKeyId);
  return fetched.material.use((bytes) => Buffer.from(bytes));
}

/** Where a canary stands: `NAME in FILE` for every file below a folder that holds one. */
export function canariesBelow(folder: string, canaries: readonly Canary[]): string[] {
  return filesBelow(folder).flatMap((file) => {
    const bytes = readFileSync(file);
    return canaries
      .filter(({ spellings }) => spellings.some((each) => bytes.includes(each)))
      .map(({ name }) => `${name} in ${file}`);
  });
}

/** Canaries in the arguments and environments of all processes. */
export function canariesInProcesses(canaries: readonly Canary[]): string[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.flatMap((pid) =>
    ['cmdline', 'environ'].flatMap((file) => {
      const bytes = tryRead(join('/proc', pid, file));
      return canaries
        .filter(({ spellings }) => spellings.some((each) => bytes.includes(each)))
        .map(({ name }) => `${name} in /proc/${pid}/${file}`);
    }),
  );
}

function tryRead(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

const largest = 512 * 1024 * 1024;

/** Regular files, without following links; sockets and pipes hold nothing. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0 < largest);
}
