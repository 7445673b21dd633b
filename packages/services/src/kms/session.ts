import { randomUUID } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { Outcome } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type KmsAudit, mostObjects, type OperationRecord, type RecordedOutcome } from './audit.ts';
import type { KmsClient } from './client.ts';
import type { ManagedObject } from './managed-object.ts';
import type { KeyStore, KeyTransaction, Query } from './store.ts';
import type { TokenKeys } from './token-keys.ts';

/** Thrown where only a transaction may write. Nobody is told: the message is carried out again in one. */
class WriteNeeded extends OperationError {
  constructor() {
    super('General Failure', 'the message must be carried out in a transaction');
  }
}

/** What one message did so far. */
interface Progress {
  /** Names the message in the audit records of its operations. */
  readonly message: string;
  readonly done: unknown[];
  mustWrite: boolean;
  /** How to take back what was done outside the store, by its place in `done`. */
  readonly undo: Map<number, () => Promise<void>>;
}

/** The objects of the store as one message works on them. */
export class Session {
  readonly #tx: KeyTransaction;
  readonly #progress: Progress;
  readonly #readOnly: boolean;
  readonly #records: OperationRecord[] = [];
  #next = 0;
  /** Of the operation that is under way: ids that it asked for or made, and whether it wrote. */
  #objects = new Set<string>();
  #wrote = false;
  /** Places in `done` that belong to operations which succeeded. */
  readonly #kept = new Set<number>();
  #afterwards: (() => Promise<void>)[] = [];
  readonly tokenKeys: TokenKeys | undefined;

  constructor(tx: KeyTransaction, progress: Progress, readOnly: boolean, tokenKeys: TokenKeys | undefined) {
    this.tokenKeys = tokenKeys;
    this.#tx = tx;
    this.#progress = progress;
    this.#readOnly = readOnly;
  }

  /** What its operations did, for the audit record. */
  get records(): readonly OperationRecord[] {
    return this.#records;
  }

  /** Carries out one operation, and notes what became of it. */
  async recorded<T>(operation: string, client: KmsClient, act: () => Promise<T>): Promise<T> {
    this.#objects = new Set();
    this.#wrote = false;
    const note = (outcome: RecordedOutcome) => {
      const objects = [...this.#objects].slice(0, mostObjects);
      this.#records.push({ message: this.#progress.message, operation, client, objects, outcome });
    };
    try {
      const value = await act();
      note(this.#wrote ? 'changed' : 'read');
      return value;
    } catch (error) {
      note({ refused: reasonOf(error) });
      throw error;
    }
  }

  object(scope: string, id: string): Promise<ManagedObject | undefined> {
    this.#objects.add(id);
    return this.#tx.object(scope, id);
  }

  content(object: ManagedObject): Promise<Secret | undefined> {
    return this.#tx.content(object);
  }

  find(query: Query): AsyncIterable<ManagedObject> {
    return this.#tx.find(query);
  }

  async insert(object: ManagedObject, content: Secret | undefined): Promise<void> {
    this.#write(object);
    await this.#tx.insert(object, content);
  }

  async update(object: ManagedObject): Promise<void> {
    this.#write(object);
    await this.#tx.update(object);
  }

  async eraseContent(object: ManagedObject): Promise<void> {
    this.#write(object);
    await this.#tx.eraseContent(object);
  }

  /** Runs `work`; when it rejects, nothing that it wrote stays. */
  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    const [from, later] = [this.#next, this.#afterwards.length];
    try {
      const value = this.#readOnly ? await work() : await this.#tx.savepoint(work);
      for (let at = from; at < this.#next; at++) this.#kept.add(at);
      return value;
    } catch (error) {
      for (let at = from; at < this.#next; at++) this.#kept.delete(at);
      this.#afterwards.length = later;
      throw error;
    }
  }

  /** What is to be done outside the store once the changes of this message are durable, and not otherwise. */
  afterwards(act: () => Promise<void>): void {
    this.#afterwards.push(act);
  }

  /** Ends the message outside the store: undoes what belongs to nothing that stays, does what waited for the commit. */
  async settle(committed: boolean, report: (error: unknown) => void): Promise<void> {
    const unwanted = [...this.#progress.undo].filter(([at]) => !committed || !this.#kept.has(at));
    const due = committed ? this.#afterwards : [];
    for (const act of [...unwanted.map(([, undo]) => undo), ...due]) await act().catch(report);
  }

  /**
   * The outcome of slow work, such as the generation of a key pair. A message that turns out to write is carried out
   * again from its start; this work is done once, and not while others wait for their turn to write.
   * @param undo takes it back, where it left something outside the store and the operation does not stay
   */
  async once<T>(work: () => Promise<T>, undo?: (done: T) => Promise<void>): Promise<T> {
    const { done } = this.#progress;
    const at = this.#next++;
    if (at >= done.length) {
      const value = await work();
      done.push(value);
      if (undo !== undefined) this.#progress.undo.set(at, () => undo(value));
    }
    return done[at] as T;
  }

  #write({ id }: ManagedObject): void {
    this.#objects.add(id);
    this.#wrote = true;
    if (!this.#readOnly) return;
    this.#progress.mustWrite = true;
    throw new WriteNeeded();
  }
}

/** What a message did that is not to be kept. */
class Undone<T> extends Error {
  readonly value: T;

  constructor(value: T) {
    super('undone');
    this.value = value;
  }
}

interface SessionOptions {
  /** Nothing in the message is known to write. */
  readonly looksReading: boolean;
  readonly tokenKeys?: TokenKeys | undefined;
  /** Told of what failed after the message was carried out. */
  readonly report?: ((error: unknown) => void) | undefined;
}

/**
 * Carries a message out. One that looks as if it only read is tried without a transaction, which waits for nobody; if it
 * must write after all, it is carried out again in one. What it changed is recorded before it is committed.
 */
export async function inSession<T>(
  store: KeyStore,
  audit: KmsAudit,
  { looksReading, tokenKeys, report = () => undefined }: SessionOptions,
  work: (session: Session) => Promise<Outcome<T>>,
): Promise<T> {
  const progress: Progress = { message: randomUUID(), done: [], mustWrite: false, undo: new Map() };
  /** Whether the changes are durable; unknown when the store fails while it commits. */
  let committed: boolean | undefined = false;
  let session: Session | undefined;
  /** Records that stand in the audit file already, of changes that are not committed yet. */
  let recorded: readonly OperationRecord[] = [];
  const retract = async (outcome: 'retracted' | 'unconfirmed') => {
    const untrue = recorded.filter(({ outcome }) => outcome === 'changed' || outcome === 'read');
    recorded = [];
    if (untrue.length > 0) await audit.changes(untrue.map((each) => ({ ...each, outcome })));
  };
  try {
    if (looksReading) {
      const { value } = await store.read((tx) => {
        session = new Session(tx, progress, true, tokenKeys);
        return work(session);
      });
      if (!progress.mustWrite) {
        await audit.reads(session!.records);
        return value;
      }
    }
    const value = await store.transaction(
      async (tx) => {
        await retract('retracted');
        committed = false;
        session = new Session(tx, progress, false, tokenKeys);
        const { value, keep } = await work(session);
        if (!keep) throw new Undone(value);
        return value;
      },
      async () => {
        recorded = session!.records;
        await audit.changes(recorded);
        committed = undefined;
      },
    );
    committed = true;
    return value;
  } catch (error) {
    if (error instanceof Undone) {
      await audit.changes(session!.records.map(asUndone));
      return error.value as T;
    }
    await retract('unconfirmed').catch(() => undefined);
    throw error;
  } finally {
    // What may belong to an object that is there must stay; the next start looks at it again.
    if (committed !== undefined) await session?.settle(committed, report);
    for (const each of progress.done) if (each instanceof Secret) each[Symbol.dispose]();
  }
}

const asUndone = (record: OperationRecord): OperationRecord =>
  record.outcome === 'changed' ? { ...record, outcome: 'undone' } : record;

const reasonOf = (error: unknown): string => (error instanceof OperationError ? error.reason : 'General Failure');
