import { equalBytes } from '@vouchsafe/bytes/equal';
import { readAt, writeAt } from './file.ts';
import { sectorSize } from './layout.ts';
import { Xts, type XtsKeys } from './xts.ts';

export type Direction = 'encrypt' | 'decrypt';

/** Bytes converted at once; every worker holds two buffers of it. */
export const chunkSize = 1 << 20;

/** A conversion cut into chunks: open files (valid in every thread), where the data starts in them, its size. */
export interface ChunkJob {
  readonly direction: Direction;
  readonly keys: XtsKeys;
  readonly source: number;
  readonly sourceStart: number;
  readonly target: number;
  readonly targetStart: number;
  /** Bytes of data, whole sectors. */
  readonly size: number;
}

export const chunkCount = ({ size }: Pick<ChunkJob, 'size'>): number => Math.ceil(size / chunkSize);

const zeros = new Uint8Array(chunkSize);

/**
 * Converts single chunks, in any order.
 *
 * Encrypting writes every sector, holes of a sparse source too: LUKS knows no unallocated sectors, so a hole in the
 * ciphertext would be decrypted to noise where the guest expects zeros (and would show which sectors are unused).
 * Decrypting leaves out chunks of zeros: the target is new, so they stay holes.
 */
export class Chunks implements Disposable {
  readonly #job: ChunkJob;
  readonly #xts: Xts;
  readonly #buffer = new Uint8Array(chunkSize);
  readonly #other = new Uint8Array(chunkSize);

  constructor(job: ChunkJob) {
    this.#job = job;
    this.#xts = new Xts(job.keys);
  }

  /** Reads, converts and writes chunk `n`. */
  convert(n: number): void {
    const bytes = this.#converted(n);
    const hole = this.#job.direction === 'decrypt' && equalBytes(bytes, zeros.subarray(0, bytes.length));
    if (!hole) writeAt(this.#job.target, bytes, this.#job.targetStart + n * chunkSize);
  }

  /** Whether chunk `n` of the target is what converting the source gives. */
  matches(n: number): boolean {
    const bytes = this.#converted(n);
    const found = this.#other.subarray(0, bytes.length);
    readAt(this.#job.target, found, this.#job.targetStart + n * chunkSize);
    return equalBytes(bytes, found);
  }

  /** Wipes the buffers. */
  [Symbol.dispose](): void {
    this.#xts[Symbol.dispose]();
    this.#buffer.fill(0);
    this.#other.fill(0);
  }

  #converted(n: number): Uint8Array {
    const at = n * chunkSize;
    const bytes = this.#buffer.subarray(0, Math.min(chunkSize, this.#job.size - at));
    readAt(this.#job.source, bytes, this.#job.sourceStart + at);
    this.#xts[this.#job.direction](bytes, at / sectorSize);
    return bytes;
  }
}
