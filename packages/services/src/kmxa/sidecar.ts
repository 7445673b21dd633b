import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';

/** The copy of a key safe beside its disk: a lost domain XML loses no data, and an interrupted encryption goes on. */
export const sidecarOf = (disk: string): string => `${disk}.keysafe`;

/** Writes the copy durably: whole or not at all. @throws {Problem} `file.unreadable` */
export function writeSidecar(disk: string, keysafe: string): void {
  const path = sidecarOf(disk);
  const temporary = `${path}.new`;
  try {
    const file = openSync(temporary, 'w', 0o600);
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
  try {
    return readFileSync(sidecarOf(disk), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Problem('file.unreadable', `${sidecarOf(disk)}: ${(cause as Error).message}`, { cause });
  }
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
