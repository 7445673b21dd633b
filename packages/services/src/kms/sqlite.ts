import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { namingFile } from '@vouchsafe/store/sqlite-fault';
import type { ContentSealer } from './content-sealer.ts';
import type { Sql, SqlRow, SqlValue } from './sql.ts';
import type { KeyStore, KeyTransaction } from './store.ts';
import { SqlTransaction } from './transaction.ts';

/** Opens a file as every connection does. Each commit is synced before it returns: what stands here protects data. */
export function openFile(path: string): DatabaseSync {
  return namingFile(path, () => {
    const database = new DatabaseSync(path, { timeout: busy });
    try {
      database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;',
      );
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  });
}

/** How long another process may hold the file; milliseconds. */
const busy = 5000;
const busyCode = 5;

/** Writers that share a commit. */
interface Group {
  /** What is to be awaited before the commit. */
  readonly before: (() => Promise<void>)[];
  readonly committed: Promise<void>;
  /** Why nothing of it will stay: SQLite gave up the whole transaction. */
  failed?: unknown;
}

/**
 * A key store in a SQLite file. Readers have a connection of their own and never wait: they see what is committed, and
 * thereby durable. Writers follow one another, each in a savepoint; those that come while the disk is busy are committed
 * with one sync.
 */
export class SqliteStore implements KeyStore {
  readonly #path: string;
  readonly #writer: SqliteSql;
  readonly #reader: SqliteSql;
  readonly #write: SqlTransaction;
  readonly #read: SqlTransaction;
  /** Ends when the last of those that wait for the writing connection is done with it. */
  #last: Promise<unknown> = Promise.resolve();
  #group: Group | undefined;

  /** The file stands there with the newest schema. */
  constructor(path: string, sealer: ContentSealer) {
    this.#path = path;
    this.#writer = new SqliteSql(openFile(path));
    this.#writer.database.exec('PRAGMA busy_timeout = 0');
    this.#reader = new SqliteSql(openFile(path));
    this.#reader.database.exec('PRAGMA query_only = ON');
    this.#write = new SqlTransaction(this.#writer, sealer);
    this.#read = new SqlTransaction(this.#reader, sealer);
  }

  read<T>(work: (tx: KeyTransaction) => Promise<T>): Promise<T> {
    return work(this.#read);
  }

  async transaction<T>(
    work: (tx: KeyTransaction) => Promise<T>,
    before: (value: T) => Promise<void> = () => Promise.resolve(),
  ): Promise<T> {
    const { value, group } = await this.#alone(async () => {
      this.#group ??= await this.#begin();
      const group = this.#group;
      const value = await this.#oneOf(group, () => work(this.#write));
      group.before.push(() => before(value));
      return { value, group };
    });
    await group.committed;
    return value;
  }

  /** Runs `f` when all that asked before are done. */
  #alone<T>(f: () => Promise<T>): Promise<T> {
    const done = this.#last.then(f);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #begin(): Promise<Group> {
    await this.#beginImmediate();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Nobody waits for it when everything in the group was undone.
    promise.catch(() => undefined);
    const group: Group = { before: [], committed: promise };
    // After what this turn of the loop brings: that belongs to this group, what comes later to the next.
    setImmediate(() => void this.#alone(() => this.#commit(group)).then(resolve, reject));
    return group;
  }

  /** Other processes write, too; they are waited for without holding up readers. */
  async #beginImmediate(): Promise<void> {
    for (const since = Date.now(); ; ) {
      try {
        return this.#writer.database.exec('BEGIN IMMEDIATE');
      } catch (cause) {
        const { errcode } = cause as { errcode?: number };
        if (errcode !== busyCode || Date.now() - since > busy) throw this.#named(cause);
      }
      await sleep(5);
    }
  }

  async #oneOf<T>(group: Group, work: () => Promise<T>): Promise<T> {
    if (group.failed !== undefined) throw this.#named(group.failed);
    try {
      return await this.#writer.savepoint(work);
    } catch (error) {
      // SQLite rolls everything back by itself when, say, the disk is full: nothing of the others stands any more.
      if (!this.#writer.database.isTransaction) group.failed = error;
      throw error;
    }
  }

  async #commit(group: Group): Promise<void> {
    this.#group = undefined;
    const { database } = this.#writer;
    try {
      if (group.failed !== undefined) throw group.failed;
      await Promise.all(group.before.map((each) => each()));
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw this.#named(error);
    }
  }

  #named(cause: unknown): unknown {
    try {
      return namingFile(this.#path, () => {
        throw cause;
      });
    } catch (named) {
      return named;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The commit of the last group queues behind it.
    await this.#alone(() => new Promise((resolve) => setImmediate(resolve)));
    await this.#last;
    this.#reader.close();
    this.#writer.close();
  }
}

/** Statements of one connection. */
export class SqliteSql implements Sql {
  readonly database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  all(text: string, values: readonly SqlValue[]): readonly SqlRow[] {
    return this.#statement(text).all(...values) as SqlRow[];
  }

  run(text: string, values: readonly SqlValue[]): number {
    return Number(this.#statement(text).run(...values).changes);
  }

  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    this.database.exec('SAVEPOINT one');
    try {
      const value = await work();
      this.database.exec('RELEASE one');
      return value;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK TO one; RELEASE one');
      throw error;
    }
  }

  close(): void {
    if (this.database.isOpen) this.database.close();
  }

  #statement(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      statement = this.database.prepare(text);
      if (this.#prepared.size < 256) this.#prepared.set(text, statement);
    }
    return statement;
  }
}
