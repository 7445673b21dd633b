import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';

/** @throws {Problem} `file.unreadable` */
export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(path, cause);
  }
}

/**
 * Writes a file that must survive: beside it, synced, renamed, and the folder synced.
 * @throws {Problem} `file.unreadable`, `disk.full`
 */
export function writeSurely(path: string, bytes: Uint8Array, reached: () => void = () => undefined): void {
  const beside = writeBeside(path, bytes);
  reached();
  beside.putInPlace();
}

/** The first half of `writeSurely`, for who wants to read back before the old file goes: written and synced beside it. */
export function writeBeside(path: string, bytes: Uint8Array): { readonly path: string; putInPlace(): void } {
  const temporary = `${path}.tmp`;
  orRemoved(temporary, path, () => {
    const file = openSync(temporary, 'w', 0o600);
    try {
      if (writeSync(file, bytes) !== bytes.length) throw new Error('it was written in part only');
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  });
  const putInPlace = () =>
    orRemoved(temporary, path, () => {
      renameSync(temporary, path);
      syncFolder(path);
    });
  return { path: temporary, putInPlace };
}

function orRemoved(temporary: string, path: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw unreadable(path, cause);
  }
}

/**
 * Overwrites a key and removes its file. File systems that copy on write, and flash, may keep the old octets all the
 * same: a disk that held the key in the clear is no clean disk.
 * @throws {Problem} `file.unreadable`
 */
export function wipe(path: string, reached: () => void = () => undefined): void {
  try {
    const length = readFileSync(path).length;
    const file = openSync(path, 'r+');
    try {
      writeSync(file, new Uint8Array(length), 0, length, 0);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    reached();
    rmSync(path);
    syncFolder(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function unreadable(path: string, cause: unknown): Problem {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new Problem(code === 'ENOSPC' || code === 'EDQUOT' ? 'disk.full' : 'file.unreadable', `${path}: ${message}`, {
    cause,
  });
}
