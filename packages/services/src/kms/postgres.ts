import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@vouchsafe/domain/problem';
import pg from 'pg';
import type { ContentSealer } from './content-sealer.ts';
import type { Sql, SqlRow, SqlValue } from './sql.ts';
import type { KeyStore, KeyTransaction } from './store.ts';
import { SqlTransaction } from './transaction.ts';

/** Milliseconds. A database that does not answer must not hold requests for longer than their clients wait. */
const patience = { connect: 5000, statement: 10_000 } as const;

/** How often a transaction is tried that others come in the way of. */
const tries = 32;
/** Milliseconds; each try waits up to this, times its number. */
const pause = 4;

/** Connections of one key server. */
const connections = 16;

/** Rows count in bigint, which is a text to `pg` unless it is told better; none of ours is beyond 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === pg.types.builtins.INT8
      ? Number
      : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
};

/** Connections to a database, which come back by themselves after the database was away. */
export function postgresPool(connection: pg.ConnectionConfig): pg.Pool {
  const pool = new pg.Pool({
    ...connection,
    types,
    max: connections,
    connectionTimeoutMillis: patience.connect,
    statement_timeout: patience.statement,
    query_timeout: 2 * patience.statement,
    idle_in_transaction_session_timeout: 3 * patience.statement,
    keepAlive: true,
    application_name: 'vouchsafe kms',
  });
  // Of a connection that nobody uses at the moment: the pool drops it, and the next request makes another.
  pool.on('error', () => undefined);
  // Of one that is at work: its statement fails, and says so itself.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * A key store in a PostgreSQL database, which several key servers share. Transactions are serializable: whatever two of
 * them do to one object, it is as if one had come after the other; one that cannot be is done again.
 */
export class PostgresStore implements KeyStore {
  readonly #pool: pg.Pool;
  readonly #sealer: ContentSealer;
  readonly #read: SqlTransaction;

  /** The database has the newest schema. */
  constructor(pool: pg.Pool, sealer: ContentSealer) {
    this.#pool = pool;
    this.#sealer = sealer;
    this.#read = new SqlTransaction(new ReadingSql(pool), sealer);
  }

  read<T>(work: (tx: KeyTransaction) => Promise<T>): Promise<T> {
    return work(this.#read);
  }

  async transaction<T>(
    work: (tx: KeyTransaction) => Promise<T>,
    before: (value: T) => Promise<void> = () => Promise.resolve(),
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(work, before);
      } catch (error) {
        if (!isPassing(error) || attempt === tries) throw error;
      }
      await sleep(Math.random() * pause * attempt);
    }
  }

  async #once<T>(work: (tx: KeyTransaction) => Promise<T>, before: (value: T) => Promise<void>): Promise<T> {
    const client = await this.#pool.connect();
    const sql = new PostgresSql(client);
    let broken = true;
    try {
      await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      const value = await work(new SqlTransaction(sql, this.#sealer));
      // What the work caught as the failure of one operation may have been the end of the whole transaction.
      if (sql.ended !== undefined) throw sql.ended;
      await before(value);
      await client.query('COMMIT');
      broken = false;
      return value;
    } catch (error) {
      broken = await client.query('ROLLBACK').then(
        () => false,
        () => true,
      );
      throw sql.ended ?? error;
    } finally {
      client.release(broken);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }
}

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? '');

/** Another transaction came in between: serialization failure, deadlock (PostgreSQL 15, appendix A, class 40). */
const isPassing = (error: unknown): boolean => ['40001', '40P01'].includes(codeOf(error));

/** Whether nothing more can be done in the transaction, whatever savepoint it goes back to. */
const isEnd = (error: unknown): boolean =>
  isPassing(error) || !/^[0-9A-Z]{5}$/.test(codeOf(error)) || /^(08|25|57|58|XX)/.test(codeOf(error));

/** Statements of one transaction. */
class PostgresSql implements Sql {
  readonly #client: pg.ClientBase;
  /** Why the transaction is over. */
  ended: unknown;

  constructor(client: pg.ClientBase) {
    this.#client = client;
  }

  async all(text: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return (await this.#query(text, values)).rows;
  }

  async run(text: string, values: readonly SqlValue[]): Promise<number> {
    return (await this.#query(text, values)).rowCount ?? 0;
  }

  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    await this.#query('SAVEPOINT one', []);
    try {
      const value = await work();
      await this.#query('RELEASE one', []);
      return value;
    } catch (error) {
      if (this.ended === undefined) await this.#query('ROLLBACK TO one', []);
      if (this.ended === undefined) await this.#query('RELEASE one', []);
      throw error;
    }
  }

  async #query(text: string, values: readonly SqlValue[]): Promise<pg.QueryResult> {
    if (this.ended !== undefined) throw this.ended;
    try {
      return await this.#client.query(prepared(text, values));
    } catch (error) {
      if (isEnd(error)) this.ended = error;
      throw error;
    }
  }
}

/** Statements on what is committed, each by itself. */
class ReadingSql implements Sql {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async all(text: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    if (!text.startsWith('SELECT ')) throw new TypeError('who reads cannot write');
    return (await this.#pool.query(prepared(text, values))).rows;
  }

  run(): never {
    throw new TypeError('who reads cannot write');
  }

  savepoint<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
}

const statements = new Map<string, { readonly name: string; readonly text: string }>();

/** A statement with its parameters as PostgreSQL counts them, prepared once a connection. */
function prepared(text: string, values: readonly SqlValue[]): pg.QueryConfig {
  let statement = statements.get(text);
  if (statement === undefined) {
    let number = 0;
    statement = { name: `kms${statements.size}`, text: text.replaceAll('?', () => `$${++number}`) };
    // Searches have as many texts as attributes may be asked for: few.
    statements.set(text, statement);
  }
  return { ...statement, values: values.map(asBuffer) };
}

const asBuffer = (value: SqlValue) =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : value;

/** What an operator is told of a database that cannot be used. */
export function naming(where: string, cause: unknown): Problem {
  if (cause instanceof Problem) return cause;
  const words = (cause as Error).message || codeOf(cause);
  return new Problem('store.unavailable', `${where}: ${words}`, { cause });
}
