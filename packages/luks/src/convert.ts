import { constants, fstatSync, openSync } from 'node:fs';
import type { ChunkJob } from './chunks.ts';
import { checkSpace, openCopy, removeCopy } from './copy.ts';
import { copyData, verifyData } from './data.ts';
import { LuksError, type LuksErrorCode } from './error.ts';
import { identityOf, sameIdentity, statusOf } from './file.ts';
import { checkNotInUse } from './in-use.ts';
import { Journal, type JournalState } from './journal.ts';
import { finishReplacing, isReplaced, putInPlace } from './replace.ts';
import { openSource } from './source.ts';
import { type Converted, type ConvertOptions, type Names, namesOf, type Plan, type Way, withFile } from './task.ts';

/** One run of a conversion. */
interface Run {
  readonly names: Names;
  readonly way: Way;
  readonly journal: Journal;
  readonly options: ConvertOptions;
}

/**
 * Converts an image: a copy grows beside the target under a name of its own, is verified, and takes the target's name
 * by one rename. Killed at any moment this leaves the old image whole, or the new one under the old name; the same call
 * again goes on where the last checkpoint was.
 */
export async function convert(way: Way, options: ConvertOptions): Promise<Converted> {
  const names = namesOf(options);
  const journal = Journal.open(names.journal);
  const run: Run = { names, way, journal, options };
  let begun = true;
  try {
    const state = journal.read();
    begun = state !== undefined;
    if (state !== undefined && isReplaced(names, state)) return await finish(run, state);
    return await withFile(openSource(names.source), async (source) => {
      checkNotInUse(names.source, source);
      const from = state === undefined ? newState(run, source) : checkBelongs(run, state, source);
      const plan = way.plan(source, names.source);
      checkSpace(names, plan);
      if (state === undefined) journal.save(from);
      begun = true;
      options.onStep?.('journal');
      return await carryOut(run, plan, from);
    });
  } catch (error) {
    throw settle(error, run, begun);
  } finally {
    journal.close();
  }
}

/** A conversion's first state, after the checks that only a fresh start needs. */
function newState({ names, way, options: { into } }: Run, source: number): JournalState {
  if (statusOf(names.copy) !== undefined)
    throw new LuksError('target.exists', `${names.copy}: exists, but no journal belongs to it; remove it`);
  if ('replace' in into) checkReplaceable(names, source);
  else if (statusOf(names.target) !== undefined)
    throw new LuksError('target.exists', `${names.target}: exists already; choose another name`);
  return { version: 1, direction: way.direction, phase: 'starting', source: identityOf(source), copy: '', done: 0 };
}

function checkReplaceable(names: Names, source: number): void {
  if (fstatSync(source).nlink > 1)
    throw new LuksError(
      'source.linked',
      `${names.source}: has other hard links, which would keep the old image; remove them`,
    );
  if (statusOf(names.old) !== undefined)
    throw new LuksError('target.exists', `${names.old}: exists already, from an earlier conversion; remove it`);
}

function checkBelongs({ names, way }: Run, state: JournalState, source: number): JournalState {
  const reason =
    state.direction !== way.direction
      ? `the unfinished conversion is to ${state.direction}`
      : !sameIdentity(state.source, identityOf(source)) &&
        'the image was changed since the unfinished conversion began';
  if (reason) throw new LuksError('journal.other', `${names.source}: ${reason}; abandon that one and start again`);
  return state;
}

async function carryOut(run: Run, plan: Plan, from: JournalState): Promise<Converted> {
  const { names, way, journal, options } = run;
  const { file: copy, state } = openCopy(names, way, plan, journal, from);
  return await withFile(copy, async () => {
    options.onStep?.('copy');
    const job: ChunkJob = { ...plan, direction: way.direction, target: copy };
    await copyData(job, journal, state, options);
    options.onStep?.('data');
    way.confirm(copy);
    await verifyData(job, options);
    checkUnchanged(names, state, plan.source);
    options.onStep?.('verified');
    const replacing: JournalState = { ...state, phase: 'replacing', done: plan.size };
    putInPlace(names, journal, replacing, options);
    return {
      target: names.target,
      size: plan.size,
      resumedAt: from.done,
      ...finishReplacing(names, journal, replacing, options),
    };
  });
}

function checkUnchanged(names: Names, state: JournalState, source: number): void {
  checkNotInUse(names.source, source);
  if (!sameIdentity(state.source, identityOf(source)))
    throw new LuksError(
      'source.changed',
      `${names.source}: was written to while it was converted; stop its VM and start again`,
    );
}

/** After a crash between the rename and the end: only the old image and the journal are left to deal with. */
async function finish({ names, way, journal, options }: Run, state: JournalState): Promise<Converted> {
  await withFile(openSync(names.target, constants.O_RDONLY), way.confirm);
  const size = state.done;
  return { target: names.target, size, resumedAt: size, ...finishReplacing(names, journal, state, options) };
}

/** After these going on makes no sense or would leave a full disk full: the copy goes, the image is as it was. */
const hopeless: ReadonlySet<LuksErrorCode> = new Set(['source.changed', 'target.differs', 'target.full']);
const fullDisk: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function settle(error: unknown, { names, journal }: Run, begun: boolean): unknown {
  const told = inWords(error, names);
  const discarded = told instanceof LuksError && hopeless.has(told.code);
  if (discarded) removeCopy(names);
  if (discarded || !begun) journal.remove();
  return told;
}

/** Errors of the operating system (they have a `syscall`, or came from a thread with their code) as ours. */
function inWords(error: unknown, names: Names): unknown {
  if (error instanceof LuksError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (fullDisk.has(code)) return diskFull(names, error);
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error;
  return new LuksError('disk.failed', `${names.copy}: reading or writing failed, nothing is lost: ${message}`, {
    cause: error,
  });
}

const diskFull = ({ copy }: Names, cause: unknown): LuksError =>
  new LuksError(
    'target.full',
    `${copy}: no space left; the copy was removed and the image is as it was; make room and start again`,
    { cause },
  );
