import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { type Sealer, sealerOf } from '@vouchsafe/store/seal';
import { namingFile } from '@vouchsafe/store/sqlite-fault';
import { readKmsConfig } from './config.ts';
import { ContentSealer } from './content-sealer.ts';
import { type KmsLayout, kmsLayout } from './layout.ts';
import { openStoreKey } from './root-key/open-store-key.ts';
import { openSqliteStore } from './sqlite-open.ts';

/**
 * What a backup holds besides the database, by the names of its table `backup`: the key of the store, wrapped (the root
 * key is not in a backup), and who the server is.
 */
export const openParts = (layout: KmsLayout) => ({
  'store.key': layout.storeKey,
  'ca.crt': layout.authority.certificate,
});
/** Those that are sealed under the key of the store. Not every server has all of them. */
export const sealedParts = (layout: KmsLayout) => ({
  'ca.key': layout.authority.key,
  'server.pem': layout.server.file,
  'server-rsa.pem': layout.server.legacy,
});

/** What is in a backup, counted when it was read back. */
export interface BackupFacts {
  readonly objects: number;
  readonly clients: number;
}

/**
 * Writes a backup of a key server that may be running: one file, as everything was at one moment. It is read back, and
 * every key in it opened, before it gets its name.
 *
 * @throws {Problem} `object.exists` when the file is there, `input.invalid` when the keys are in PostgreSQL,
 * `file.unreadable`, `disk.full`, and what the root key throws
 */
export async function backUp(dataDir: string, file: string): Promise<BackupFacts> {
  const layout = kmsLayout(dataDir);
  if (!existsSync(layout.database.file) || readKmsConfig(layout.config).postgres !== undefined)
    throw new Problem(
      'input.invalid',
      `${dataDir}: there is no SQLite database here; back up PostgreSQL with its own tools, and ${layout.storeKey} with it`,
    );
  if (existsSync(file)) throw new Problem('object.exists', `${file}: a file is there`);
  using key = await openStoreKey(layout);
  const sealer = sealerOf(key);
  // Brings an older database up to date, and knows whether the key is the right one.
  await openSqliteStore(layout, sealer)[Symbol.asyncDispose]();
  const part = `${file}.part`;
  try {
    copyDatabase(layout.database.file, part);
    addParts(part, [
      ...present(openParts(layout)),
      ...present(sealedParts(layout)).map(([name, octets]) => [name, sealer.seal(name, Secret.take(octets))] as const),
    ]);
    const facts = checkDatabase(part, sealer);
    appendMac(part, key);
    const { length, mac } = splitMac(part);
    checkMac(part, length, mac, key);
    // Never over a file that came meanwhile.
    linkSync(part, file);
    syncFolder(dirname(file));
    return facts;
  } finally {
    rmSync(part, { force: true });
  }
}

/** A copy as of one moment, without what was deleted; writers go on meanwhile. */
function copyDatabase(from: string, to: string): void {
  rmSync(to, { force: true });
  closeSync(openSync(to, 'wx', 0o600));
  namingFile(to, () => {
    const database = new DatabaseSync(from, { timeout: 5000 });
    try {
      database.prepare('VACUUM INTO ?').run(to);
    } finally {
      database.close();
    }
  });
}

const present = (files: Readonly<Record<string, string>>) =>
  Object.entries(files)
    .filter(([, path]) => existsSync(path))
    .map(([name, path]) => [name, readFileSync(path)] as const);

function addParts(path: string, parts: readonly (readonly [name: string, octets: Uint8Array])[]): void {
  namingFile(path, () => {
    const database = new DatabaseSync(path);
    try {
      database.exec(
        'PRAGMA synchronous = FULL; CREATE TABLE backup (name TEXT PRIMARY KEY, octets BLOB NOT NULL) STRICT',
      );
      const insert = database.prepare('INSERT INTO backup (name, octets) VALUES (?, ?)');
      for (const [name, octets] of parts) insert.run(name, octets);
    } finally {
      database.close();
    }
  });
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Octets at the end of a backup: HMAC-SHA-256 over all that is before, under a key from the key of the store. */
const macOctets = 32;

function appendMac(path: string, key: Secret): void {
  const file = openSync(path, 'a');
  try {
    writeSync(file, macOf(path, statSync(path).size, key));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Where the database in a backup ends, and what authenticates it. @throws {Problem} `file.unreadable` */
export function splitMac(path: string): { readonly length: number; readonly mac: Uint8Array } {
  const { size } = statSync(path);
  if (size <= macOctets) throw new Problem('file.unreadable', `${path}: it is no backup of a key server`);
  const mac = new Uint8Array(macOctets);
  const file = openSync(path, 'r');
  try {
    readSync(file, mac, 0, macOctets, size - macOctets);
  } finally {
    closeSync(file);
  }
  return { length: size - macOctets, mac };
}

/** @throws {Problem} `file.unreadable` when it is not what a key server with this key of the store wrote */
export function checkMac(path: string, length: number, mac: Uint8Array, key: Secret): void {
  if (!timingSafeEqual(macOf(path, length, key), mac))
    throw new Problem('file.unreadable', `${path}: the backup was changed or damaged`);
}

function macOf(path: string, length: number, key: Secret): Uint8Array {
  const derived = key.use((octets) => new Uint8Array(hkdfSync('sha256', octets, '', 'kms backup/1', macOctets)));
  const mac = createHmac('sha256', derived);
  derived.fill(0);
  const file = openSync(path, 'r');
  try {
    const chunk = new Uint8Array(1 << 20);
    for (let at = 0; at < length; ) {
      const read = readSync(file, chunk, 0, Math.min(chunk.length, length - at), at);
      if (read === 0) break;
      mac.update(chunk.subarray(0, read));
      at += read;
    }
  } finally {
    closeSync(file);
  }
  return mac.digest();
}

/** Reads a database as a whole, and opens all that is sealed in it. @throws {Problem} `file.unreadable` */
export function checkDatabase(path: string, sealer: Sealer): BackupFacts {
  return namingFile(path, () => {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const found = database.prepare('PRAGMA integrity_check').get() as { integrity_check: string };
      if (found.integrity_check !== 'ok') throw new Problem('file.unreadable', `${path}: ${found.integrity_check}`);
      const contents = new ContentSealer(sealer);
      const sealed = database.prepare('SELECT id, scope, content FROM object WHERE content IS NOT NULL');
      for (const { id, scope, content } of sealed.iterate())
        contents.open({ id: String(id), scope: String(scope) }, content as Uint8Array)[Symbol.dispose]();
      const count = (table: string) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n);
      return { objects: count('object'), clients: count('client') };
    } finally {
      database.close();
    }
  });
}

export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
