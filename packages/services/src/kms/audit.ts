import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { AuditFile } from '../audit/file.ts';

/** What became of one operation, without what it was about. */
export type RecordedOutcome =
  /** It left the store as it was. */
  | 'read'
  | 'changed'
  /** It was taken back, since another operation of its message failed. */
  | 'undone'
  /** What was recorded before did not come to pass: the message was done again. */
  | 'retracted'
  /** What was recorded before was not confirmed by the store, which failed: it may have come to pass. */
  | 'unconfirmed'
  /** Result Reason of the refusal. */
  | { readonly refused: string };

/** One operation as it is recorded. */
export interface OperationRecord {
  /** The same for all operations of a message. */
  readonly message: string;
  readonly operation: string;
  readonly client: { readonly name: string; readonly scope: string };
  /** Ids that it asked for or made, at most `mostObjects`. */
  readonly objects: readonly string[];
  readonly outcome: RecordedOutcome;
}

/** Ids that one record names. */
export const mostObjects = 16;

/** Milliseconds within which the record of a reading operation is on the disk. */
const readsWithin = 50;

/**
 * The record of what clients do, chained by hashes. Changes are on the disk before they are answered, or else they do
 * not happen. Reads are written in their order, soon; when they cannot be, nothing more is carried out.
 */
export class KmsAudit {
  readonly #file: Pick<AuditFile, 'commit'>;
  readonly #strict: boolean;
  #reads: AuditEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Reads that are being written. */
  #writing: Promise<void> = Promise.resolve();
  #failed = false;

  /** @param strict records of reads are on the disk before their answers, too */
  constructor(file: Pick<AuditFile, 'commit'>, strict: boolean) {
    this.#file = file;
    this.#strict = strict;
  }

  /** On the disk when it resolves. @throws {Problem} `audit.unwritable` */
  async changes(records: readonly OperationRecord[]): Promise<void> {
    await this.#write(records.map(entryOf));
  }

  /** @throws {Problem} `audit.unwritable`; also when records of earlier reads cannot be written */
  async reads(records: readonly OperationRecord[]): Promise<void> {
    const entries = records.map(entryOf);
    if (this.#strict || this.#failed) return await this.#write(entries);
    this.#reads.push(...entries);
    this.#timer ??= setTimeout(() => void this.#write([]).catch(() => undefined), readsWithin);
  }

  /** Writes what is held back, and then these. */
  #write(entries: readonly AuditEntry[]): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#reads;
    this.#reads = [];
    const written = this.#file.commit(...held, ...entries).then(
      () => {
        this.#failed = false;
      },
      (error: unknown) => {
        this.#failed = true;
        // Whatever was answered on them was answered; they are owed, and come before anything else.
        this.#reads = [...held, ...this.#reads];
        throw error;
      },
    );
    this.#writing = Promise.allSettled([this.#writing, written]).then(() => undefined);
    return written;
  }

  /** Writes what is held back. */
  async close(): Promise<void> {
    await this.#write([]).catch(() => undefined);
    await this.#writing;
  }
}

function entryOf({ message, operation, client, objects, outcome }: OperationRecord): AuditEntry {
  const done = outcome === 'read' || outcome === 'changed';
  return {
    action: outcome === 'read' ? 'kms.read' : outcome === 'changed' ? 'kms.change' : 'kms.refuse',
    actor: { kind: 'client', id: client.name },
    target: { kind: 'object', id: objects.join(' ') },
    outcome: done ? 'success' : 'failure',
    ...(done ? {} : { problem: typeof outcome === 'string' ? outcome : outcome.refused }),
    detail: { operation, scope: client.scope, message },
  };
}
