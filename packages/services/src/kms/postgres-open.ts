import { existsSync } from 'node:fs';
import { Problem } from '@vouchsafe/domain/problem';
import type { Sealer } from '@vouchsafe/store/seal';
import type pg from 'pg';
import { ContentSealer } from './content-sealer.ts';
import type { KmsLayout } from './layout.ts';
import { naming, PostgresStore, postgresPool } from './postgres.ts';
import { checkProbe, newProbe } from './probe.ts';
import { clients, objects } from './schema.ts';
import type { KeyStore } from './store.ts';

/** Key servers that start at the same time make the tables one after the other; any number will do. */
const lock = 0x6b6d7301;

/** The schema of PostgreSQL, one step a version: a step is never changed once it was released. */
const migrations: readonly string[] = [
  `${inPostgres(clients)}
  ${inPostgres(objects)}
  CREATE TABLE seal_probe (one BIGINT PRIMARY KEY CHECK (one = 1), sealed BYTEA NOT NULL);`,
];

/** The tables of SQLite in the words of PostgreSQL. */
function inPostgres(tables: string): string {
  return tables
    .replaceAll('seq INTEGER PRIMARY KEY', 'seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY')
    .replaceAll('INTEGER', 'BIGINT')
    .replaceAll('BLOB', 'BYTEA')
    .replaceAll(/\) STRICT(, WITHOUT ROWID)?;/g, ');');
}

/**
 * Opens the key store in a PostgreSQL database, and makes its tables at the first call.
 *
 * @param openSealer opens the key of the store; asked once the database answered
 * @throws {Problem} `store.unavailable`; `root-key.unopened` when the key of the store does not belong to this database;
 * `config.invalid` when a newer version wrote it, or it does not keep what it says it kept
 */
export async function openPostgresStore(
  layout: KmsLayout,
  connection: pg.ConnectionConfig,
  openSealer: () => Promise<Sealer>,
): Promise<KeyStore> {
  const pool = postgresPool(connection);
  const where = `${connection.host}/${connection.database}`;
  try {
    const client = await pool.connect();
    try {
      await checkDurable(client, where);
      await newest(client, where);
      const probe = (await client.query('SELECT sealed FROM seal_probe')).rows[0]?.sealed;
      // A key made here now would open nothing there.
      if (probe !== undefined && !existsSync(layout.storeKey))
        throw new Problem(
          'root-key.unopened',
          `${layout.storeKey}: missing; copy it, and its root key, from another key server of ${where}`,
        );
      const sealer = await openSealer();
      await client.query('INSERT INTO seal_probe VALUES (1, $1) ON CONFLICT DO NOTHING', [
        Buffer.from(newProbe(sealer)),
      ]);
      const { rows } = await client.query('SELECT sealed FROM seal_probe');
      checkProbe(sealer, rows[0].sealed, `${layout.storeKey}: it does not open ${where}`);
      return new PostgresStore(pool, new ContentSealer(sealer));
    } finally {
      client.release();
    }
  } catch (cause) {
    await pool.end();
    throw naming(where, cause);
  }
}

/** A commit must be on the disk when it returns. */
async function checkDurable(client: pg.PoolClient, where: string): Promise<void> {
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    const { rows } = await client.query('SELECT current_setting($1) AS value', [setting]);
    if (rows[0].value === 'off')
      throw new Problem('config.invalid', `${where}: ${setting} is off, so that keys could be lost: turn it on`);
  }
}

async function newest(client: pg.PoolClient, where: string): Promise<void> {
  await client.query('BEGIN');
  await client.query('SELECT pg_advisory_xact_lock($1)', [lock]);
  await client.query('CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)');
  const { rows } = await client.query('SELECT version FROM schema_version');
  const version = rows[0]?.version ?? 0;
  if (version > migrations.length)
    throw new Problem('config.invalid', `${where}: written by a newer version (schema ${version})`);
  for (const script of migrations.slice(version)) await client.query(script);
  await client.query('DELETE FROM schema_version');
  await client.query('INSERT INTO schema_version VALUES ($1)', [migrations.length]);
  await client.query('COMMIT');
}
