import { DatabaseSync } from 'node:sqlite';
import { Problem } from '@vouchsafe/domain/problem';
import { migrations } from './schema.ts';
import { namingFile } from './sqlite-fault.ts';

/**
 * Opens a SQLite file for one part and brings its schema up to date.
 * Every commit is synced before it returns, since what stands here protects data.
 *
 * @throws {Problem} `file.unreadable`, `disk.full`, `object.in-use` when the file cannot be used, `config.invalid` when a newer version wrote it
 */
export function openDatabase(path: string): DatabaseSync {
  return namingFile(path, () => {
    const database = new DatabaseSync(path);
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 5000;',
    );
    migrate(database, path);
    return database;
  });
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
