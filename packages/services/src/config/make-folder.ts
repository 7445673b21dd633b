import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';

/**
 * Makes a folder, for its owner only, and what is missing above it. Step by step: the recursive form of mkdir never ends
 * where a file system refuses new folders with ENOENT, as /proc does.
 * @throws {Problem} `file.unreadable`, `disk.full`
 */
export function makeFolder(path: string): void {
  const folder = resolve(path);
  if (isFolder(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' && isFolder(folder)) return;
    const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk.full' : 'file.unreadable';
    throw new Problem(kind, `${folder}: the folder cannot be made: ${message}`, { cause });
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
