import { Secret } from '@vouchsafe/bytes/secret';
import type { Outcome } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
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
  readonly done: unknown[];
  mustWrite: boolean;
}

/** The objects of the store as one message works on them. */
export class Session {
  readonly #tx: KeyTransaction;
  readonly #progress: Progress;
  readonly #readOnly: boolean;
  #next = 0;

  constructor(tx: KeyTransaction, progress: Progress, readOnly: boolean) {
    this.#tx = tx;
    this.#progress = progress;
    this.#readOnly = readOnly;
  }

  object(scope: string, id: string): Promise<ManagedObject | undefined> {
    return this.#tx.object(scope, id);
  }

  content(object: ManagedObject): Promise<Secret | undefined> {
    return this.#tx.content(object);
  }

  find(query: Query): AsyncIterable<ManagedObject> {
    return this.#tx.find(query);
  }

  async insert(object: ManagedObject, content: Secret | undefined): Promise<void> {
    this.#write();
    await this.#tx.insert(object, content);
  }

  async update(object: ManagedObject): Promise<void> {
    this.#write();
    await this.#tx.update(object);
  }

  async eraseContent(object: ManagedObject): Promise<void> {
    this.#write();
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

  #write(): void {
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
 * must write after all, it is carried out again in one.
 */
export async function inSession<T>(
  store: KeyStore,
  looksReading: boolean,
  work: (session: Session) => Promise<Outcome<T>>,
): Promise<T> {
  const progress: Progress = { done: [], mustWrite: false };
  try {
    if (looksReading) {
      const { value } = await store.read((tx) => work(new Session(tx, progress, true)));
      if (!progress.mustWrite) return value;
    }
    return await store.transaction(async (tx) => {
      const { value, keep } = await work(new Session(tx, progress, false));
      if (!keep) throw new Undone(value);
      return value;
    });
  } catch (error) {
    if (error instanceof Undone) return error.value as T;
    throw error;
  } finally {
    for (const each of progress.done) if (each instanceof Secret) each[Symbol.dispose]();
  }
}
