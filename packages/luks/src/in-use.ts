import { type BigIntStats, fstatSync, readFileSync } from 'node:fs';
import { LuksError } from './error.ts';

/**
 * Refuses an image that a process of this host holds a lock on: QEMU locks every image it has open. A help, no proof:
 * a VM on another host is not seen, and some file systems give locks another device number.
 * @throws {LuksError} `source.in-use`
 */
export function checkNotInUse(path: string, file: number): void {
  if (lockedFiles(readLocks()).has(lockName(fstatSync(file, { bigint: true }))))
    throw new LuksError('source.in-use', `${path}: is open in another process, probably a running VM; stop that first`);
}

function readLocks(): string {
  try {
    return readFileSync('/proc/locks', 'latin1');
  } catch {
    return '';
  }
}

/** proc_locks(5): `1: OFDLCK ADVISORY READ -1 fe:01:1234 100 101`, device in hexadecimal and inode sixth. */
export function lockedFiles(locks: string): Set<string> {
  return new Set(locks.split('\n').flatMap((line) => line.match(/ ([0-9a-f]+:[0-9a-f]+:\d+) /)?.[1] ?? []));
}

/** A file's name in that list; major and minor number as in makedev(3). */
function lockName({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  const two = (n: bigint) => n.toString(16).padStart(2, '0');
  return `${two(major)}:${two(minor)}:${ino}`;
}
