import { randomUUID } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { Outcome } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type KmsAudit, mostObjects, type OperationRecord, type RecordedOutcome } from './audit.ts';
import type { KmsClient } from './client.ts';
import type { ManagedObject } from './managed-object.ts';
import type { KeyStore, KeyTransaction, Query } from './store.ts';
import type { TokenKeys } from './token-keys.ts';
import type { Turns } from './turns.ts';

/** Thrown where only a transaction may write. Nobody is told: the message is carried out again in one. */
class WriteNeeded extends OperationError {
  constructor() {
    super('General Failure', 'the message must be carried out in a transaction');
  }
}

/** Thrown where slow work would keep others from writing. Nobody is told: it is done first, and the message again. */
class WorkNeeded extends OperationError {
  constructor() {
    super('General Failure', 'the message must be carried out after its slow work');
  }
}

/** Ends a transaction of which nothing stays, since slow work is to be done before it. */
class NotYet extends Error {}

/** What became of slow work. */
type Done = { readonly value: unknown } | { readonly error: unknown };

/** What one message did so far. */
interface Progress {
  /** Names the message in the audit records of its operations. */
  readonly message: string;
  /** Slow work, by what it was for. */
  readonly done: Map<string, Done>;
  /** Slow work that a transaction needs and must not wait for. */
  readonly owed: Map<string, () => Promise<void>>;
  /** Secrets that slow work needs, whenever it is done. */
  readonly secrets: DisposableStack;
  mustWrite: boolean;
  /** How to take back what was done outside the store. */
  readonly undo: Map<string, () => Promise<void>>;
}

/** The objects of the store as one message works on them. */
export class Session {
  readonly #tx: KeyTransaction;
  readonly #progress: Progress;
  readonly #readOnly: boolean;
  readonly #records: OperationRecord[] = [];
  /** What `once` was asked for, in its order. */
  readonly #asked: string[] = [];
  /** When the transaction began, which keeps others from writing; milliseconds. */
  readonly #since = performance.now();
  /** Counts operations; and whose message it is. */
  #operation = 0;
  #scope = '';
  /** Of the operation that is under way: ids that it asked for or made, and whether it wrote. */
  #objects = new Set<string>();
  #wrote = false;
  /** Slow work that belongs to operations which succeeded. */
  readonly #kept = new Set<string>();
  #afterwards: (() => Promise<void>)[] = [];
  readonly #turns: Turns;
  readonly tokenKeys: TokenKeys | undefined;

  constructor(
    tx: KeyTransaction,
    progress: Progress,
    readOnly: boolean,
    { tokenKeys, turns }: Pick<SessionOptions, 'tokenKeys' | 'turns'>,
  ) {
    this.tokenKeys = tokenKeys;
    this.#turns = turns;
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
    this.#operation++;
    this.#scope = client.scope;
    const note = (outcome: RecordedOutcome) => {
      const objects = [...this.#objects].slice(0, mostObjects);
      this.#records.push({ message: this.#progress.message, operation, client, objects, outcome });
    };
    try {
      this.#inTime();
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

  async *find(query: Query): AsyncGenerator<ManagedObject> {
    for await (const object of this.#tx.find(query)) {
      this.#inTime();
      yield object;
    }
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
    const [from, later] = [this.#asked.length, this.#afterwards.length];
    try {
      const value = this.#readOnly ? await work() : await this.#tx.savepoint(work);
      for (const each of this.#asked.slice(from)) this.#kept.add(each);
      return value;
    } catch (error) {
      for (const each of this.#asked.slice(from)) this.#kept.delete(each);
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
    const unwanted = [...this.#progress.undo].filter(([key]) => !committed || !this.#kept.has(key));
    const due = committed ? this.#afterwards : [];
    for (const act of [...unwanted.map(([, undo]) => undo), ...due]) await act().catch(report);
  }

  /**
   * The outcome of slow work, such as the generation of a key pair. A message that turns out to write is carried out
   * again from its start; this work is done once, and not while others wait for their turn to write. What was done for
   * one operation is no other's, whatever became of the operations before it the second time.
   * @param what all that the outcome depends on besides the request of the operation
   * @param undo takes it back, where it left something outside the store and the operation does not stay
   */
  async once<T>(what: string, work: () => Promise<T>, undo?: (done: T) => Promise<void>): Promise<T> {
    const key = `${this.#operation} ${what}`;
    this.#asked.push(key);
    if (!this.#progress.done.has(key)) {
      const make = () => this.#turns.take(this.#scope, () => this.#make(key, work, undo));
      if (!this.#readOnly) {
        this.#progress.owed.set(key, make);
        throw new WorkNeeded();
      }
      await make();
    }
    const done = this.#progress.done.get(key)!;
    if ('error' in done) throw done.error;
    return done.value as T;
  }

  /** A secret that slow work needs: it lasts as long as the message, however often that is carried out. */
  held(secret: Secret): Secret {
    return this.#progress.secrets.use(secret);
  }

  async #make<T>(key: string, work: () => Promise<T>, undo?: (done: T) => Promise<void>): Promise<void> {
    try {
      const value = await work();
      this.#progress.done.set(key, { value });
      if (undo !== undefined) this.#progress.undo.set(key, () => undo(value));
    } catch (error) {
      this.#progress.done.set(key, { error });
    }
  }

  /** A message must not keep others from writing for long. @throws {OperationError} */
  #inTime(): void {
    if (this.#readOnly || performance.now() - this.#since < longest) return;
    throw new OperationError('General Failure', 'the message takes too long: ask for less in one message');
  }

  #write({ id }: ManagedObject): void {
    this.#objects.add(id);
    this.#wrote = true;
    if (!this.#readOnly) return;
    this.#progress.mustWrite = true;
    throw new WriteNeeded();
  }
}

/** Milliseconds of one transaction. */
const longest = 10_000;

/** What a message did that is not to be kept. */
class Undone<T> extends Error {
  readonly value: T;

  constructor(value: T) {
    super('undone');
    this.value = value;
  }
}

interface SessionOptions {
  /** For slow work. */
  readonly turns: Turns;
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
  { looksReading, report = () => undefined, ...tools }: SessionOptions,
  work: (session: Session) => Promise<Outcome<T>>,
): Promise<T> {
  const progress: Progress = {
    message: randomUUID(),
    done: new Map(),
    owed: new Map(),
    secrets: new DisposableStack(),
    mustWrite: false,
    undo: new Map(),
  };
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
        session = new Session(tx, progress, true, tools);
        return work(session);
      });
      if (!progress.mustWrite) {
        await audit.reads(session!.records);
        return value;
      }
    }
    const carryOut = () =>
      store.transaction(
        async (tx) => {
          await retract('retracted');
          committed = false;
          session = new Session(tx, progress, false, tools);
          const { value, keep } = await work(session);
          if (progress.owed.size > 0) throw new NotYet();
          if (!keep) throw new Undone(value);
          return value;
        },
        async () => {
          recorded = session!.records;
          await audit.changes(recorded);
          committed = undefined;
        },
      );
    const value = await afterSlowWork(progress, carryOut);
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
    progress.secrets.dispose();
    for (const each of progress.done.values())
      if ('value' in each && each.value instanceof Secret) each.value[Symbol.dispose]();
  }
}

/** Does the slow work of a transaction that turned out to need some, and then the transaction again. */
async function afterSlowWork<T>({ owed }: Progress, carryOut: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await carryOut();
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
    }
    for (const work of owed.values()) await work();
    owed.clear();
  }
}

const asUndone = (record: OperationRecord): OperationRecord =>
  record.outcome === 'changed' ? { ...record, outcome: 'undone' } : record;

const reasonOf = (error: unknown): string => (error instanceof OperationError ? error.reason : 'General Failure');
