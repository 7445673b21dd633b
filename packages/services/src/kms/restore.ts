import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Problem } from '@vouchsafe/domain/problem';
import { sealerOf } from '@vouchsafe/store/seal';
import { namingFile } from '@vouchsafe/store/sqlite-fault';
import { makeFolder } from '../config/make-folder.ts';
import { type BackupFacts, checkDatabase, checkMac, openParts, sealedParts, splitMac, syncFolder } from './backup.ts';
import { kmsLayout, makeKmsFolders } from './layout.ts';
import { openStoreKey } from './root-key/open-store-key.ts';
import { setRootKey } from './root-key/set-root-key.ts';
import { openSqliteStore } from './sqlite-open.ts';

/** How the key of the store is opened, when its root key is not where it was: a file with it, or the recovery key. */
export interface RestoreKeys {
  readonly rootKey?: string;
  readonly recovery?: string;
}

/**
 * Makes the folder of a key server from a backup. It appears as a whole, once everything in it has opened; nothing is
 * written over. Who the clients are, and their keys, are as of the backup: whoever was shut out since is in again.
 *
 * @throws {Problem} `object.exists` when the folder holds anything, `file.unreadable` when the file is no backup or
 * damaged, and what the root key throws
 */
export async function restore(file: string, dataDir: string, keys: RestoreKeys = {}): Promise<BackupFacts> {
  const target = resolve(dataDir);
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new Problem('object.exists', `${dataDir}: the folder is not empty; restore into another one`);
  makeFolder(dirname(target));
  const folder = mkdtempSync(join(dirname(target), `${basename(target)}.restoring-`));
  try {
    const facts = await restoreInto(file, folder, keys);
    renameSync(folder, target);
    syncFolder(dirname(target));
    return facts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function restoreInto(file: string, folder: string, { rootKey, recovery }: RestoreKeys): Promise<BackupFacts> {
  const layout = kmsLayout(folder);
  makeKmsFolders(layout);
  const copy = layout.database.file;
  copyFileSync(file, copy);
  chmodSync(copy, 0o600);
  const { length, mac } = splitMac(copy);
  truncateSync(copy, length);
  const parts = readParts(file, copy);
  makeFolder(layout.authority.folder);
  for (const [name, path] of Object.entries(openParts(layout))) {
    const octets = parts(name);
    if (octets === undefined) throw new Problem('file.unreadable', `${file}: ${name} is missing in it`);
    write(path, octets);
  }
  if (rootKey !== undefined) {
    copyFileSync(rootKey, layout.rootKey);
    chmodSync(layout.rootKey, 0o600);
  }
  if (recovery !== undefined) await setRootKey(layout, { kind: 'file', path: 'root.key' }, { recovery });
  using key = await openStoreKey(layout);
  // Until here nothing of it was believed but which root key it wants.
  checkMac(copy, length, mac, key);
  const sealer = sealerOf(key);
  dropParts(copy);
  const facts = checkDatabase(copy, sealer);
  for (const [name, path] of Object.entries(sealedParts(layout))) {
    const sealed = parts(name);
    if (sealed === undefined) continue;
    using opened = sealer.open(name, sealed);
    opened.use((octets) => write(path, octets));
  }
  // The database opens as that of a server does.
  await openSqliteStore(layout, sealer)[Symbol.asyncDispose]();
  return facts;
}

/** What is in a backup besides the database. */
function readParts(file: string, copy: string): (name: string) => Uint8Array | undefined {
  return namingFile(file, () => {
    const database = new DatabaseSync(copy, { readOnly: true });
    try {
      const table = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'backup'").get();
      if (table === undefined) throw new Problem('file.unreadable', `${file}: it is no backup of a key server`);
      const rows = database.prepare('SELECT name, octets FROM backup').all();
      return (name) => {
        const octets = rows.find((each) => each.name === name)?.octets;
        return octets instanceof Uint8Array ? octets : undefined;
      };
    } finally {
      database.close();
    }
  });
}

function dropParts(copy: string): void {
  const database = new DatabaseSync(copy);
  try {
    database.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; DROP TABLE backup');
  } finally {
    database.close();
  }
}

const write = (path: string, octets: Uint8Array) =>
  writeFileSync(path, octets, { mode: 0o600, flag: 'wx', flush: true });
