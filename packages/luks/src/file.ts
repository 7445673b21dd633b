import { type BigIntStats, closeSync, fstatSync, fsyncSync, lstatSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { LuksError } from './error.ts';

/** Reads exactly the bytes of `into`. @throws {LuksError} `source.changed` when the file ends before */
export function readAt(file: number, into: Uint8Array, position: number): void {
  for (let done = 0; done < into.length; ) {
    const n = readSync(file, into, done, into.length - done, position + done);
    if (n === 0)
      throw new LuksError('source.changed', `the file ends at byte ${position + done}; was it cut meanwhile?`);
    done += n;
  }
}

/** Writes all bytes. */
export function writeAt(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, position + done);
}

/** Makes new names in the directory of `path` survive a power loss. */
export function syncDirectoryOf(path: string): void {
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Status of the name itself (a link is not followed), or undefined when there is none. */
export const statusOf = (path: string): BigIntStats | undefined =>
  lstatSync(path, { bigint: true, throwIfNoEntry: false });

/** What tells an unchanged file from a changed or another one. The device number is left out: reboots change it. */
export interface Identity {
  readonly inode: string;
  readonly size: number;
  readonly mtimeNs: string;
}

export function identityOf(file: number): Identity {
  const { ino, size, mtimeNs } = fstatSync(file, { bigint: true });
  return { inode: String(ino), size: Number(size), mtimeNs: String(mtimeNs) };
}

export const sameIdentity = (a: Identity, b: Identity): boolean =>
  a.inode === b.inode && a.size === b.size && a.mtimeNs === b.mtimeNs;
