import { DatabaseSync } from 'node:sqlite';
import { Problem } from '@vouchsafe/domain/problem';
import { migrations } from './schema.ts';

/**
 * Opens a SQLite file for one part and brings its schema up to date.
 * Every commit is synced before it returns, since what stands here protects data.
 *
 * @throws {Problem} `file.unreadable` when the file cannot be opened, `config.invalid` when a newer version wrote it
 */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 5000;',
    );
  } catch (cause) {
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
  migrate(database, path);
  return database;
}

function migrate(database: DatabaseSync, path: string): void {
  const { user_version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (user_version > migrations.length) {
    database.close();
    throw new Problem(
      'config.invalid',
      `${path}: written by a newer version (schema ${user_version}, known ${migrations.length})`,
    );
  }
  for (const [i, script] of migrations.entries()) {
    if (i < user_version) continue;
    database.exec(`BEGIN IMMEDIATE; ${script} PRAGMA user_version = ${i + 1}; COMMIT;`);
  }
}
