import { rmSync, unlinkSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Direction } from './chunks.ts';
import { LuksError, type LuksErrorCode } from './error.ts';
import { type Identity, statusOf, syncDirectoryOf } from './file.ts';

/**
 * How far a conversion has come. `starting`: the copy may be incomplete or missing; `copying`: its header is on the
 * disk and the first `done` bytes of data are; `replacing`: it is whole and verified, names are being changed.
 */
export interface JournalState {
  readonly version: 1;
  readonly direction: Direction;
  readonly phase: 'starting' | 'copying' | 'replacing';
  /** The image as it was when the conversion began. */
  readonly source: Identity;
  /** Inode of the copy; empty while `starting`. */
  readonly copy: string;
  readonly done: number;
}

/**
 * The record of one conversion, beside its target, and the lock that keeps a second converter away. It is an SQLite
 * file held in exclusive mode: its commits survive a crash, and the kernel drops its lock with the process, however
 * that ends, so that there are no stale locks.
 */
export class Journal {
  readonly #path: string;
  readonly #db: DatabaseSync;

  private constructor(path: string, db: DatabaseSync) {
    this.#path = path;
    this.#db = db;
  }

  /**
   * Opens or creates the journal and locks it.
   * @throws {LuksError} `conversion.busy`, `journal.malformed`, `target.directory`, `target.full`
   */
  static open(path: string): Journal {
    for (;;) {
      const before = statusOf(path);
      if (before !== undefined && !before.isFile())
        throw new LuksError('journal.malformed', `${path}: not a regular file; remove it or choose another target`);
      const db = lock(path);
      const after = statusOf(path);
      // Its last owner may have removed the file between our opening and locking it: then we hold a lock on nothing.
      if (before !== undefined && before.ino === after?.ino && before.birthtimeNs === after.birthtimeNs)
        return new Journal(path, db);
      db.close();
    }
  }

  /** What was saved last. @throws {LuksError} `journal.malformed` */
  read(): JournalState | undefined {
    return asLuksError(this.#path, () => {
      const row = this.#db.prepare('select state from conversion').get();
      return row === undefined ? undefined : parseState(this.#path, row.state);
    });
  }

  /** Saves the state; it is on the disk when this returns. */
  save(state: JournalState): void {
    asLuksError(this.#path, () =>
      this.#db.prepare('insert or replace into conversion (id, state) values (1, ?)').run(JSON.stringify(state)),
    );
  }

  /** Unlocks; the state stays. Closing twice does no harm. */
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  /** Removes the journal, then unlocks. SQLite's own journal goes first: it must never be found beside a new file. */
  remove(): void {
    rmSync(`${this.#path}-journal`, { force: true });
    unlinkSync(this.#path);
    syncDirectoryOf(this.#path);
    this.close();
  }
}

const schema =
  'create table if not exists conversion (id integer primary key check (id = 1), state text not null) strict';

function lock(path: string): DatabaseSync {
  return asLuksError(path, () => {
    const db = new DatabaseSync(path, { timeout: 0 });
    try {
      db.exec(`pragma locking_mode = exclusive; pragma synchronous = extra; begin exclusive; ${schema}; commit`);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** SQLite's primary result codes (sqlite.org/rescode.html) that mean something to the operator. */
const sqliteCodes: Record<number, { code: LuksErrorCode; text: string }> = {
  5: { code: 'conversion.busy', text: 'another process is converting this image; wait for it to finish' },
  8: { code: 'target.directory', text: 'cannot write the journal; check the directory and its permissions' },
  10: { code: 'disk.failed', text: 'the journal cannot be read or written; check the disk' },
  11: { code: 'journal.malformed', text: 'the journal is damaged; abandon the conversion and start again' },
  13: { code: 'target.full', text: 'no space left for the journal; make room and start again' },
  14: { code: 'target.directory', text: 'cannot create or open the journal; check the directory and its permissions' },
  26: { code: 'journal.malformed', text: 'the file is no journal; remove it or choose another target' },
};

function asLuksError<T>(path: string, f: () => T): T {
  try {
    return f();
  } catch (cause) {
    const known = sqliteCodes[Number((cause as { errcode?: number }).errcode ?? 0) & 0xff];
    throw known === undefined ? cause : new LuksError(known.code, `${path}: ${known.text}`, { cause });
  }
}

function parseState(path: string, text: unknown): JournalState {
  try {
    const state = JSON.parse(String(text)) as JournalState;
    if (isState(state)) return state;
  } catch {
    // Said below.
  }
  throw new LuksError('journal.malformed', `${path}: the journal is damaged; abandon the conversion and start again`);
}

const isState = ({ version, direction, phase, source, copy, done }: JournalState): boolean =>
  version === 1 &&
  ['encrypt', 'decrypt'].includes(direction) &&
  ['starting', 'copying', 'replacing'].includes(phase) &&
  [source.inode, source.mtimeNs, copy].every((text) => typeof text === 'string') &&
  Number.isSafeInteger(source.size) &&
  Number.isSafeInteger(done) &&
  done >= 0;
