import { closeSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { Problem } from '@vouchsafe/domain/problem';

/**
 * A whole file, or standard input for `-`.
 * @throws {Problem} `file.unreadable`, or `input.too-large` above `limit` bytes
 */
export function readInput(path: string, limit = 64 * 1024 * 1024): Uint8Array {
  try {
    if (path === '-') return readFileSync(0);
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      if (size > limit) throw new Problem('input.too-large', `${path}: ${size} bytes, limit ${limit}`);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** The first bytes of a file that may be very large. @throws {Problem} `file.unreadable` */
export function readStart(path: string, bytes: number): Uint8Array {
  try {
    const file = openSync(path, 'r');
    try {
      const buffer = new Uint8Array(bytes);
      return buffer.subarray(0, readSync(file, buffer, 0, bytes, 0));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Writes a new file; an existing one is not overwritten. @throws {Problem} `file.unreadable` */
export function writeNew(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o644 });
  } catch (cause) {
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}
