import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { maxKeySafe } from '@vouchsafe/domain/keys/key-safe';
import { Problem } from '@vouchsafe/domain/problem';

/** The copy of a key safe beside its disk: a lost domain XML loses no data, and an interrupted encryption goes on. */
export const sidecarOf = (disk: string): string => `${disk}.keysafe`;

/**
 * Writes the copy durably: whole or not at all. Others may write to the folder of a disk, so whatever has the name of
 * the temporary file is removed, not written through.
 * @throws {Problem} `file.unreadable`
 */
export function writeSidecar(disk: string, keysafe: string): void {
  const path = sidecarOf(disk);
  const temporary = `${path}.new`;
  try {
    rmSync(temporary, { force: true });
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(file, keysafe);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** The copy beside a disk, undefined when there is none. @throws {Problem} `file.unreadable` */
export function readSidecar(disk: string): string | undefined {
  const path = sidecarOf(disk);
  try {
    // Not through a link, and not to hang on a named pipe: others may write to this folder.
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return wholeText(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}

function wholeText(file: number): string {
  const status = fstatSync(file);
  if (!status.isFile() || status.size > maxKeySafe)
    throw new TypeError(`expected a regular file of at most ${maxKeySafe} bytes`);
  const bytes = Buffer.alloc(status.size);
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
}

export const removeSidecar = (disk: string): void => rmSync(sidecarOf(disk), { force: true });

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
