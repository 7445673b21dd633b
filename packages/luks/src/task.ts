import { closeSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ChunkJob, Direction } from './chunks.ts';
import type { WorkerCode } from './pool.ts';
import type { Random } from './slot.ts';
import { realSource } from './source.ts';

/** What becomes of the old image when the new one takes its name. */
export type OldImage = 'unlink' | 'overwrite' | 'keep';

/** Where a conversion stands; reported in this order. */
export const steps = ['journal', 'copy', 'data', 'verified', 'kept', 'renamed', 'old-gone', 'done'] as const;
export type Step = (typeof steps)[number];

/** What every conversion is told. */
export interface ConvertOptions {
  /** The image: a regular file that no running VM uses. */
  readonly source: string;
  /**
   * A new file, or the same name. In the latter case the old image goes when the new one is whole and verified:
   * `unlink` frees it, `overwrite` writes zeros over it first (of little use on flash and copy-on-write storage),
   * `keep` leaves it as `.luks-old` beside the new one.
   */
  readonly into: { readonly target: string } | { readonly replace: OldImage };
  /** Threads, 0..16; 0 works in the calling thread. */
  readonly workers: number;
  /** Where the threads' code is, if not beside this module. */
  readonly worker?: WorkerCode;
  /** Before the names change, the header is opened again and 16 MiB here and there, or all data, are compared. */
  readonly verify?: 'sample' | 'full';
  /** Bytes between two checkpoints: what a crash costs at most. */
  readonly checkpoint?: number;
  readonly random: Random;
  readonly onProgress?: (progress: Progress) => void;
  readonly onStep?: (step: Step) => void;
  /** Aborting keeps what was done: the same call goes on from there. */
  readonly signal?: AbortSignal;
}

/** Bytes of data done, of the copying or of a full verification. */
export interface Progress {
  readonly kind: 'convert' | 'compare';
  readonly done: number;
  readonly total: number;
}

/** What a conversion did. */
export interface Converted {
  readonly target: string;
  /** Bytes of data. */
  readonly size: number;
  /** Bytes that an earlier, interrupted run had done. */
  readonly resumedAt: number;
  /** The old image, where it was kept. */
  readonly old?: string;
}

/** The names of one conversion. */
export interface Names {
  readonly source: string;
  readonly target: string;
  readonly copy: string;
  readonly journal: string;
  readonly old: string;
}

/** All names stand beside the target, so that a rename can put the copy in its place. */
export function namesOf({ source, into }: Pick<ConvertOptions, 'source' | 'into'>): Names {
  const real = realSource(source);
  return { source: real, ...namesBeside('target' in into ? resolve(into.target) : real) };
}

/** The names beside a target. */
export function namesBeside(target: string): Omit<Names, 'source'> {
  const beside = (suffix: string) => join(dirname(target), `${basename(target)}.luks-${suffix}`);
  return { target, copy: beside('part'), journal: beside('journal'), old: beside('old') };
}

/** One conversion, cut to its data: everything but the copy's file. */
export type Plan = Omit<ChunkJob, 'target' | 'direction'>;

/** What differs between encrypting and decrypting. */
export interface Way {
  readonly direction: Direction;
  /** Reads the source. @throws {LuksError} @throws {DecodeError} when it cannot be converted this way */
  plan(source: number, path: string): Plan;
  /** Writes what stands before the data into the new copy. */
  begin(copy: number): void;
  /** Checks that what stands before the data is from the keys of this call. @throws {LuksError} `key.wrong` */
  confirm(copy: number): void;
}

/** Size of the copy. */
export const copySize = ({ targetStart, size }: Plan): number => targetStart + size;

/** Runs `f` with an open file and closes it. */
export async function withFile<T>(file: number, f: (file: number) => T | Promise<T>): Promise<T> {
  try {
    return await f(file);
  } finally {
    closeSync(file);
  }
}
