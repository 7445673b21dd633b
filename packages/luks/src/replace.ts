import { closeSync, constants, fdatasyncSync, fstatSync, linkSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { chunkSize } from './chunks.ts';
import { LuksError } from './error.ts';
import { readAt, statusOf, syncDirectoryOf, writeAt } from './file.ts';
import type { Journal, JournalState } from './journal.ts';
import type { ConvertOptions, Names } from './task.ts';

type Options = Pick<ConvertOptions, 'into' | 'onStep'>;

/**
 * Gives the whole, verified copy the target's name. An old image that is still wanted gets its second name first, so
 * that at no moment either image is without a name.
 */
export function putInPlace(names: Names, journal: Journal, state: JournalState, { into, onStep }: Options): void {
  journal.save(state);
  if ('replace' in into && into.replace !== 'unlink') keepOld(names, state);
  onStep?.('kept');
  if ('target' in into && statusOf(names.target) !== undefined)
    throw new LuksError(
      'target.exists',
      `${names.target}: was made by someone else meanwhile; move it away and start again`,
    );
  renameSync(names.copy, names.target);
  syncDirectoryOf(names.target);
  onStep?.('renamed');
}

function keepOld(names: Names, state: JournalState): void {
  const there = statusOf(names.old);
  if (there === undefined) linkSync(names.source, names.old);
  else if (String(there.ino) !== state.source.inode)
    throw new LuksError('target.exists', `${names.old}: exists already; move it away and start again`);
  syncDirectoryOf(names.old);
}

/** Whether a crash came after the rename: the target is the copy. */
export function isReplaced(names: Names, state: JournalState): boolean {
  return state.phase === 'replacing' && String(statusOf(names.target)?.ino) === state.copy;
}

/** Deals with the old image and removes the journal. Says where the old image is if it was kept. */
export function finishReplacing(
  names: Names,
  journal: Journal,
  state: JournalState,
  { into, onStep }: Options,
): { old?: string } {
  const mine = 'replace' in into && String(statusOf(names.old)?.ino) === state.source.inode;
  const kept = mine && into.replace === 'keep';
  if (mine && into.replace === 'overwrite') overwrite(names.old);
  if (mine && !kept) {
    unlinkSync(names.old);
    syncDirectoryOf(names.old);
  }
  onStep?.('old-gone');
  journal.remove();
  onStep?.('done');
  return kept ? { old: names.old } : {};
}

/** Writes zeros over all data of a file; what is zero already, holes too, stays as it is. */
function overwrite(path: string): void {
  const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const { size } = fstatSync(file);
    const zeros = new Uint8Array(chunkSize);
    const found = new Uint8Array(chunkSize);
    for (let at = 0; at < size; at += chunkSize) {
      const length = Math.min(chunkSize, size - at);
      readAt(file, found.subarray(0, length), at);
      if (!equalBytes(found.subarray(0, length), zeros.subarray(0, length)))
        writeAt(file, zeros.subarray(0, length), at);
    }
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}
