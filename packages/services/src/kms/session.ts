import { randomUUID } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { Outcome } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type KmsAudit, mostObjects, type OperationRecord, type RecordedOutcome } from './audit.ts';
import type { KmsClient } from './client.ts';
import type { ManagedObject } from './managed-object.ts';
import type { KeyStore, KeyTransaction, Query } from './store.ts';

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

  constructor(tx: KeyTransaction, progress: Progress, readOnly: boolean) {
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
    return this.#readOnly ? await work() : await this.#tx.savepoint(work);
  }

  /**
   * The outcome of slow work, such as the generation of a key pair. A message that turns out to write is carried out
   * again from its start; this work is done once, and not while others wait for their turn to write.
   */
  async once<T>(work: () => Promise<T>): Promise<T> {
    const { done } = this.#progress;
    const at = this.#next++;
    if (at >= done.length) done.push(await work());
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

/**
 * Carries a message out. One that looks as if it only read is tried without a transaction, which waits for nobody; if it
 * must write after all, it is carried out again in one. What it changed is recorded before it is committed.
 */
export async function inSession<T>(
  store: KeyStore,
  audit: KmsAudit,
  looksReading: boolean,
  work: (session: Session) => Promise<Outcome<T>>,
): Promise<T> {
  const progress: Progress = { message: randomUUID(), done: [], mustWrite: false };
  let session: Session | undefined;
  /** Records that stand in the audit file already, of changes that are not committed yet. */
  let recorded: readonly OperationRecord[] = [];
  const retract = async () => {
    const untrue = recorded.filter(({ outcome }) => outcome === 'changed' || outcome === 'read');
    recorded = [];
    if (untrue.length > 0) await audit.changes(untrue.map((each) => ({ ...each, outcome: 'retracted' })));
  };
  try {
    if (looksReading) {
      const { value } = await store.read((tx) => {
        session = new Session(tx, progress, true);
        return work(session);
      });
      if (!progress.mustWrite) {
        await audit.reads(session!.records);
        return value;
      }
    }
    return await store.transaction(
      async (tx) => {
        await retract();
        session = new Session(tx, progress, false);
        const { value, keep } = await work(session);
        if (!keep) throw new Undone(value);
        return value;
      },
      async () => {
        recorded = session!.records;
        await audit.changes(recorded);
      },
    );
  } catch (error) {
    if (error instanceof Undone) {
      await audit.changes(session!.records.map(asUndone));
      return error.value as T;
    }
    await retract().catch(() => undefined);
    throw error;
  } finally {
    for (const each of progress.done) if (each instanceof Secret) each[Symbol.dispose]();
  }
}

const asUndone = (record: OperationRecord): OperationRecord =>
  record.outcome === 'changed' ? { ...record, outcome: 'undone' } : record;

const reasonOf = (error: unknown): string => (error instanceof OperationError ? error.reason : 'General Failure');
