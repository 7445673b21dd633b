import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { type AuditEntry, type ChainHead, chain, emptyChain, headAt } from '@vouchsafe/domain/audit/record';
import { Problem } from '@vouchsafe/domain/problem';

interface Waiting {
  readonly entries: readonly AuditEntry[];
  readonly resolve: () => void;
  readonly reject: (why: Problem) => void;
}

const sync = promisify(fdatasync);

/**
 * The audit file of one part: JSON lines, each chained to the one before, synced before `append` returns. A part whose
 * record cannot be written must not do what the record would have told.
 */
export class AuditFile implements Disposable {
  readonly #file: number;
  readonly #part: string;
  readonly #now: () => Date;
  #head: ChainHead;
  #size: number;
  /** Records of `commit` that are not written yet. */
  #waiting: Waiting[] = [];
  #committing: Promise<void> | undefined;
  /** Why nothing can be written any more. */
  #broken: Error | undefined;

  private constructor(file: number, part: string, now: () => Date, head: ChainHead, size: number) {
    this.#file = file;
    this.#part = part;
    this.#now = now;
    this.#head = head;
    this.#size = size;
  }

  /**
   * Opens the file behind its last whole record. A line that a crash left unfinished is cut off: nothing was released
   * on its word, since `append` had not returned. The records before are not read: that is what `vouchsafe audit
   * verify` does, and a start must not take longer the longer a part has run.
   * @throws {Problem} `audit.broken` when the last record is none, `audit.unwritable`
   */
  static open(path: string, part: string, now = () => new Date()): AuditFile {
    const file = openFile(path);
    try {
      const { size } = fstatSync(file);
      const end = lastLineEnd(file, size);
      const line = textOf(readAt(file, lastLineEnd(file, end - 1), end - 1), path);
      const head = end === 0 ? emptyChain : headOf(line, path);
      if (end < size) ftruncateSync(file, end);
      return new AuditFile(file, part, now, head, end);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  get head(): ChainHead {
    return this.#head;
  }

  /** @throws {Problem} `audit.unwritable`; the file is then as it was before */
  append(...entries: readonly AuditEntry[]): void {
    const before = { head: this.#head, size: this.#size };
    try {
      this.#write(entries);
      fdatasyncSync(this.#file);
    } catch (cause) {
      this.#back(before);
      throw new Problem('audit.unwritable', (cause as Error).message, { cause });
    }
  }

  /**
   * As `append`, for records that come by the hundred in a second: those that come while the disk is busy are synced
   * together. They are on the disk when it resolves.
   * @throws {Problem} `audit.unwritable`; what was released on none of these records must not be released
   */
  commit(...entries: readonly AuditEntry[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ entries, resolve, reject });
    this.#committing ??= this.#commitAll().finally(() => {
      this.#committing = undefined;
    });
    return promise;
  }

  async #commitAll(): Promise<void> {
    // What this turn of the loop brings goes into the first batch.
    await new Promise((done) => setImmediate(done));
    while (this.#waiting.length > 0) await this.#commitBatch(this.#waiting.splice(0));
  }

  async #commitBatch(batch: readonly Waiting[]): Promise<void> {
    const before = { head: this.#head, size: this.#size };
    let written = false;
    try {
      this.#write(batch.flatMap(({ entries }) => entries));
      written = true;
      await sync(this.#file);
      for (const { resolve } of batch) resolve();
    } catch (cause) {
      // After a failed sync nobody knows what is on the disk (fsync(2)), and others may stand behind it by now.
      if (written) this.#broken = cause as Error;
      else this.#back(before);
      const problem = new Problem('audit.unwritable', (cause as Error).message, { cause });
      for (const { reject } of batch) reject(problem);
    }
  }

  /** Writes behind the last record; nothing is synced. */
  #write(entries: readonly AuditEntry[]): void {
    if (this.#broken !== undefined) throw this.#broken;
    let head = this.#head;
    let text = '';
    for (const entry of entries) {
      const next = chain(head, this.#part, this.#now(), entry);
      // A record that could not be read back would end the chain, and the part would not start again.
      if (next.line.length > longestLine)
        throw new Error(`${entry.action}: a record of ${next.line.length} characters`);
      text += `${next.line}\n`;
      head = next.head;
    }
    const bytes = Buffer.from(text);
    writeWhole(this.#file, bytes, this.#size);
    this.#head = head;
    this.#size += bytes.length;
  }

  #back({ head, size }: { readonly head: ChainHead; readonly size: number }): void {
    cutTo(this.#file, size);
    this.#head = head;
    this.#size = size;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

function headOf(line: string, path: string): ChainHead {
  try {
    return headAt(line);
  } catch (cause) {
    throw new Problem('audit.broken', `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** As far as that still works: the next start cuts off what is left of an unfinished line. */
function cutTo(file: number, size: number): void {
  try {
    ftruncateSync(file, size);
  } catch {
    // The first error is the one that is told.
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (cause) {
    throw new Problem('audit.unwritable', `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Longest record that is read back, in bytes. */
const maxRecord = 4 * 1024 * 1024;
/** Longest record that is written, in characters of at most three bytes. */
const longestLine = Math.floor(maxRecord / 3) - 1;

/** Position behind the last line end before `limit`; 0 when there is none. @throws {Problem} `audit.broken` */
function lastLineEnd(file: number, limit: number): number {
  const block = 64 * 1024;
  for (let to = limit; to > 0; to -= block) {
    if (limit - to > maxRecord) throw new Problem('audit.broken', `last record: longer than ${maxRecord} bytes`);
    const from = Math.max(0, to - block);
    const at = readAt(file, from, to).lastIndexOf(0x0a);
    if (at >= 0) return from + at + 1;
  }
  return 0;
}

function readAt(file: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, to - from));
  let at = 0;
  while (at < bytes.length) {
    const n = readSync(file, bytes, at, bytes.length - at, from + at);
    if (n === 0) break;
    at += n;
  }
  return bytes.subarray(0, at);
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Problem('audit.broken', `${path}: not UTF-8 text`, { cause });
  }
}

function writeWhole(file: number, bytes: Uint8Array, position: number): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}
