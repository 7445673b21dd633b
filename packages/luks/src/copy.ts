import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { LuksError } from './error.ts';
import { statusOf, syncDirectoryOf } from './file.ts';
import type { Journal, JournalState } from './journal.ts';
import { copySize, type Names, type Plan, type Way } from './task.ts';

/** An open copy and how far it has come. */
export interface Copy {
  readonly file: number;
  readonly state: JournalState;
}

/** The copy of a conversion that begins, or of one that goes on. The caller closes it. */
export function openCopy(names: Names, way: Way, plan: Plan, journal: Journal, state: JournalState): Copy {
  return state.phase === 'starting'
    ? beginCopy(names, way, plan, journal, state)
    : continueCopy(names, way, plan, state);
}

/**
 * Makes the copy, with the owner and mode of the image, and its header. Only when both are on the disk the journal says
 * so; before that a crash leaves a copy that the next run throws away.
 */
function beginCopy(names: Names, way: Way, plan: Plan, journal: Journal, state: JournalState): Copy {
  removeCopy(names);
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const file = openSync(names.copy, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  return closedOnError(file, () => {
    const { uid, gid, mode } = fstatSync(plan.source);
    fchownSync(file, uid, gid);
    fchmodSync(file, mode & 0o7777);
    ftruncateSync(file, copySize(plan));
    way.begin(file);
    fsyncSync(file);
    syncDirectoryOf(names.copy);
    const copying: JournalState = { ...state, phase: 'copying', copy: inodeOf(file) };
    journal.save(copying);
    return { file, state: copying };
  });
}

function continueCopy(names: Names, way: Way, plan: Plan, state: JournalState): Copy {
  if (statusOf(names.copy) === undefined) throw notBegun(names);
  const file = openSync(names.copy, constants.O_RDWR | constants.O_NOFOLLOW);
  return closedOnError(file, () => {
    const same = inodeOf(file) === state.copy && fstatSync(file).size === copySize(plan) && state.done <= plan.size;
    if (!same) throw notBegun(names);
    way.confirm(file);
    return { file, state };
  });
}

const notBegun = ({ copy }: Names): LuksError =>
  new LuksError('journal.other', `${copy}: not the copy that was begun; abandon the conversion and start again`);

const inodeOf = (file: number): string => String(fstatSync(file, { bigint: true }).ino);

function closedOnError<T>(file: number, f: () => T): T {
  try {
    return f();
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Removes the copy if there is one. */
export function removeCopy({ copy }: Pick<Names, 'copy'>): void {
  if (statusOf(copy) !== undefined) unlinkSync(copy);
}

/** @throws {LuksError} `target.space` when the file system lacks what the copy does not have yet */
export function checkSpace(names: Names, plan: Plan): void {
  const directory = dirname(names.copy);
  const { bavail, bsize } = statfsSync(directory);
  const [free, need] = [bavail * bsize, copySize(plan) - Number(statusOf(names.copy)?.blocks ?? 0n) * 512];
  if (need > free)
    throw new LuksError('target.space', `${directory}: ${need} bytes needed, ${free} free; make room and start again`);
}
