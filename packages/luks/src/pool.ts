import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type ChunkJob, Chunks, chunkCount } from './chunks.ts';
import { LuksError } from './error.ts';
import { compare, errorOf, type Order, type Report } from './order.ts';

/**
 * Where the code of a worker comes from: a module file, or (single executable, bundle) the CommonJS text of `worker.ts`
 * bundled with what it imports.
 */
export type WorkerCode = { readonly file: URL } | { readonly source: string };

/** Who does the chunks. */
export interface Crew {
  /** Threads; 0 does the work in the calling thread. */
  readonly workers: number;
  readonly code: WorkerCode | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Most threads that make sense: they share one disk. */
const maxWorkers = 16;

/**
 * Does all chunks from `first` on. When it fails or is aborted, every thread has stopped before the promise settles.
 * @param onChunk called for each chunk done, in any order; an error it throws stops the work
 */
export async function doChunks(
  kind: Order['kind'],
  job: ChunkJob,
  first: number,
  crew: Crew,
  onChunk: (chunk: number) => void,
): Promise<void> {
  crew.signal?.throwIfAborted();
  if (first >= chunkCount(job)) return;
  const workers = Math.min(crew.workers, maxWorkers, chunkCount(job) - first);
  await (workers === 0
    ? inThread(kind, job, first, crew, onChunk)
    : inWorkers(kind, job, first, { ...crew, workers }, onChunk));
}

async function inThread(
  kind: Order['kind'],
  job: ChunkJob,
  first: number,
  { signal }: Crew,
  onChunk: (chunk: number) => void,
): Promise<void> {
  using chunks = new Chunks(job);
  for (let n = first; n < chunkCount(job); n++) {
    if (kind === 'convert') chunks.convert(n);
    else compare(chunks, n);
    onChunk(n);
    await nextTurn();
    signal?.throwIfAborted();
  }
}

async function inWorkers(
  kind: Order['kind'],
  job: ChunkJob,
  first: number,
  crew: Crew,
  onChunk: (chunk: number) => void,
): Promise<void> {
  const order: Order = { kind, job, next: new SharedArrayBuffer(4) };
  const counter = new Int32Array(order.next);
  counter[0] = first;
  const failures: unknown[] = [];
  const stop = (reason: unknown) => {
    failures.push(reason);
    Atomics.store(counter, 0, chunkCount(job));
  };
  const onAbort = () => stop(crew.signal?.reason);
  crew.signal?.addEventListener('abort', onAbort, { once: true });
  let left = chunkCount(job) - first;
  const onReport = (report: Report) => {
    if ('failed' in report) return stop(errorOf(report.failed));
    left--;
    try {
      onChunk(report.chunk);
    } catch (error) {
      stop(error);
    }
  };
  await Promise.all(Array.from({ length: crew.workers }, () => oneWorker(order, crew.code, onReport, stop)));
  crew.signal?.removeEventListener('abort', onAbort);
  if (failures.length > 0) throw failures[0];
  if (left > 0) throw new LuksError('worker.failed', `a conversion thread ended with ${left} chunks undone`);
}

/**
 * Settles when the thread has ended, however it ended, and never rejects: the files of the job may be closed only when
 * no thread writes to them.
 */
async function oneWorker(
  order: Order,
  code: WorkerCode | undefined,
  onReport: (report: Report) => void,
  onFailure: (error: LuksError) => void,
): Promise<void> {
  const failed = (cause: unknown) =>
    onFailure(new LuksError('worker.failed', `a conversion thread failed: ${cause}`, { cause }));
  try {
    const worker = startWorker(order, code);
    worker.on('message', onReport);
    worker.on('error', failed);
    await new Promise((resolve) => worker.on('exit', resolve));
  } catch (cause) {
    failed(cause);
  }
}

function startWorker(order: Order, code: WorkerCode | undefined): Worker {
  const options = { workerData: order };
  if (code !== undefined && 'source' in code) return new Worker(code.source, { ...options, eval: true });
  return new Worker(code?.file ?? besideThisModule(), options);
}

/** A bundle has no file beside it, and as CommonJS no `import.meta.url` either. */
function besideThisModule(): URL {
  if (import.meta.url === undefined)
    throw new TypeError('a bundled program must hand in the text of its conversion worker');
  return new URL('./worker.ts', import.meta.url);
}
