import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { type AuditEntry, type ChainHead, chain, emptyChain, follow } from '@vouchsafe/domain/audit/record';
import { Problem } from '@vouchsafe/domain/problem';

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

  private constructor(file: number, part: string, now: () => Date, head: ChainHead, size: number) {
    this.#file = file;
    this.#part = part;
    this.#now = now;
    this.#head = head;
    this.#size = size;
  }

  /**
   * Opens the file and checks its chain. A last line that a crash left unfinished is cut off: nothing was released
   * on its word, since `append` had not returned.
   * @throws {Problem} `audit.broken`, `audit.unwritable`
   */
  static open(path: string, part: string, now = () => new Date()): AuditFile {
    const file = openFile(path);
    const bytes = readAll(file);
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
    try {
      let head = emptyChain;
      for (const line of textOf(whole, path).split('\n').slice(0, -1)) head = follow(head, line).head;
      ftruncateSync(file, whole.length);
      return new AuditFile(file, part, now, head, whole.length);
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
    let head = this.#head;
    let text = '';
    for (const entry of entries) {
      const next = chain(head, this.#part, this.#now(), entry);
      text += `${next.line}\n`;
      head = next.head;
    }
    const bytes = Buffer.from(text);
    try {
      writeWhole(this.#file, bytes, this.#size);
      fdatasyncSync(this.#file);
    } catch (cause) {
      cutTo(this.#file, this.#size);
      throw new Problem('audit.unwritable', (cause as Error).message, { cause });
    }
    this.#head = head;
    this.#size += bytes.length;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
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

function readAll(file: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(file).size);
  let at = 0;
  while (at < bytes.length) {
    const n = readSync(file, bytes, at, bytes.length - at, at);
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
