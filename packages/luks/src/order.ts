import { type ChunkJob, Chunks, chunkCount } from './chunks.ts';
import { LuksError, type LuksErrorCode } from './error.ts';

/** What a worker is told: the job, what to do with its chunks, and the counter that deals them out. */
export interface Order {
  readonly kind: 'convert' | 'compare';
  readonly job: ChunkJob;
  /** One 32-bit number: the next chunk nobody has taken. */
  readonly next: SharedArrayBuffer;
}

/** What a worker says: a chunk is done, or why it stopped. Errors are taken apart as posting loses their code. */
export type Report =
  | { readonly chunk: number }
  | { readonly failed: { readonly name: string; readonly code: string; readonly message: string } };

/** Does chunks until there are none left. */
export function work({ kind, job, next }: Order, report: (report: Report) => void): void {
  try {
    const counter = new Int32Array(next);
    using chunks = new Chunks(job);
    const step = kind === 'convert' ? (n: number) => chunks.convert(n) : (n: number) => compare(chunks, n);
    for (let n = Atomics.add(counter, 0, 1); n < chunkCount(job); n = Atomics.add(counter, 0, 1)) {
      step(n);
      report({ chunk: n });
    }
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    report({ failed: { name, message, code: code ?? '' } });
  }
}

/** @throws {LuksError} `target.differs` */
export function compare(chunks: Chunks, n: number): void {
  if (!chunks.matches(n))
    throw new LuksError('target.differs', `the copy differs from the image in MiB ${n}; check the disk and the memory`);
}

/** The error a worker reported. */
export function errorOf({ name, code, message }: Extract<Report, { failed: unknown }>['failed']): Error {
  if (name === 'LuksError') return new LuksError(code as LuksErrorCode, message);
  return Object.assign(new Error(message), { code });
}
