import { Checkpoints, Contiguous } from './checkpoint.ts';
import { type ChunkJob, Chunks, chunkCount, chunkSize } from './chunks.ts';
import type { Journal, JournalState } from './journal.ts';
import { compare } from './order.ts';
import { doChunks } from './pool.ts';
import type { ConvertOptions } from './task.ts';

/** 256 MiB: some seconds of work. */
const defaultCheckpoint = 1 << 28;

/** Converts what the journal does not call done, and saves how far it came, also when it fails or is aborted. */
export async function copyData(
  job: ChunkJob,
  journal: Journal,
  state: JournalState,
  options: ConvertOptions,
): Promise<void> {
  const first = Math.floor(state.done / chunkSize);
  if (first >= chunkCount(job) || state.done === job.size) return;
  const mark = new Contiguous(first);
  const done = () => Math.min(mark.end * chunkSize, job.size);
  const save = (bytes: number) => journal.save({ ...state, done: bytes });
  const checkpoints = new Checkpoints(job.target, options.checkpoint ?? defaultCheckpoint, state.done, save);
  try {
    await doChunks('convert', job, first, crewOf(options), (chunk) => {
      mark.add(chunk);
      checkpoints.advance(done());
      options.onProgress?.({ kind: 'convert', done: done(), total: job.size });
    });
  } finally {
    await checkpoints.finish(done());
  }
}

const crewOf = ({ workers, worker, signal }: ConvertOptions) => ({ workers, code: worker, signal });

const sampleChunks = 16;

/** Converts the source again and compares with the copy: all of it or a sample. @throws {LuksError} `target.differs` */
export async function verifyData(job: ChunkJob, options: ConvertOptions): Promise<void> {
  if (options.verify === 'full') return await verifyAll(job, options);
  using chunks = new Chunks(job);
  for (const n of sampleOf(chunkCount(job), options)) compare(chunks, n);
}

async function verifyAll(job: ChunkJob, options: ConvertOptions): Promise<void> {
  let done = 0;
  await doChunks('compare', job, 0, crewOf(options), () => {
    done = Math.min(done + chunkSize, job.size);
    options.onProgress?.({ kind: 'compare', done, total: job.size });
  });
}

/** The first chunk, the last one and some between; all of a small image. */
function sampleOf(count: number, { random }: ConvertOptions): number[] {
  if (count <= sampleChunks) return Array.from({ length: count }, (_, n) => n);
  const bytes = random(4 * (sampleChunks - 2));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return [0, count - 1, ...Array.from({ length: sampleChunks - 2 }, (_, i) => view.getUint32(4 * i) % count)];
}
