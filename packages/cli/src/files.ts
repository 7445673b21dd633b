import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { concat } from '@vouchsafe/bytes/hex';
import { Problem } from '@vouchsafe/domain/problem';

/**
 * A whole file, or standard input for `-`.
 * @throws {Problem} `file.unreadable`, or `input.too-large` above `limit` bytes
 */
export function readInput(path: string, limit = 64 * 1024 * 1024): Uint8Array {
  const bytes = readStart(path, limit + 1);
  if (bytes.length > limit) throw new Problem('input.too-large', `${path}: more than ${limit} bytes`);
  return bytes;
}

/** The first bytes of a file that may be very large. @throws {Problem} `file.unreadable` */
export const readStart = (path: string, bytes: number): Uint8Array => {
  const pieces: Uint8Array[] = [];
  let left = bytes;
  for (const piece of piecesOf(path)) {
    pieces.push(piece.subarray(0, left));
    left -= piece.length;
    if (left <= 0) break;
  }
  return concat(...pieces);
};

/** A file piece by piece, or standard input for `-`: sizes are not asked for, since devices and pipes tell none. */
function* piecesOf(path: string): Generator<Uint8Array> {
  try {
    const file = path === '-' ? 0 : openSync(path, 'r');
    try {
      for (;;) {
        const piece = new Uint8Array(64 * 1024);
        const read = readSync(file, piece);
        if (read === 0) return;
        yield piece.subarray(0, read);
      }
    } finally {
      if (file !== 0) closeSync(file);
    }
  } catch (cause) {
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Writes a new file; an existing one is not overwritten. @throws {Problem} `file.unreadable` */
export function writeNew(path: string, content: string | Uint8Array, mode = 0o644): void {
  try {
    writeFileSync(path, content, { flag: 'wx', mode });
  } catch (cause) {
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}
