import type { DatabaseSync } from 'node:sqlite';
import { Problem } from '@vouchsafe/domain/problem';
import type { Sealer } from '@vouchsafe/store/seal';
import { namingFile } from '@vouchsafe/store/sqlite-fault';
import { ContentSealer } from './content-sealer.ts';
import type { KmsLayout } from './layout.ts';
import { checkProbe, newProbe } from './probe.ts';
import { migrations } from './schema.ts';
import { openFile, SqliteStore } from './sqlite.ts';
import type { KeyStore } from './store.ts';

/**
 * Opens the key store in its SQLite file, makes it at the first call, and converts it when an older version wrote it.
 *
 * @param sealer under the key of the store, see `openStoreKey`
 * @throws {Problem} `root-key.unopened` when that key does not belong to this database, `config.invalid`,
 * `file.unreadable`
 */
export function openSqliteStore({ database: { file }, storeKey }: KmsLayout, sealer: Sealer): KeyStore {
  const database = openFile(file);
  try {
    namingFile(file, () => {
      // Whose key this is, is known before anything is changed; and nobody is waited for where nothing is to be done.
      const fault = `${storeKey}: it does not open ${file}`;
      if (isProbed(database, file, sealer, fault) && schemaVersion(database, file) === migrations.length) return;
      inTransaction(database, () => {
        for (const step of migrations.slice(schemaVersion(database, file))) step(database, sealer);
        database.exec(`PRAGMA user_version = ${migrations.length}`);
        if (!isProbed(database, file, sealer, fault))
          database.prepare('INSERT INTO seal_probe (one, sealed) VALUES (1, ?)').run(newProbe(sealer));
      });
    });
  } finally {
    database.close();
  }
  return new SqliteStore(file, new ContentSealer(sealer));
}

/** @throws {Problem} `config.invalid` when a newer version wrote the file */
function schemaVersion(database: DatabaseSync, path: string): number {
  const { user_version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (user_version > migrations.length)
    throw new Problem('config.invalid', `${path}: written by a newer version (schema ${user_version})`);
  return user_version;
}

/** Whether this database knows its key. @throws {Problem} `root-key.unopened` when it is not this one */
function isProbed(database: DatabaseSync, file: string, sealer: Sealer, fault: string): boolean {
  if (schemaVersion(database, file) === 0) return false;
  const row = database.prepare('SELECT sealed FROM seal_probe').get();
  if (row !== undefined) checkProbe(sealer, row.sealed as Uint8Array, fault);
  return row !== undefined;
}

function inTransaction(database: DatabaseSync, f: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    f();
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
