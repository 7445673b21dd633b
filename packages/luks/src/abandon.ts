import { removeCopy } from './copy.ts';
import { LuksError } from './error.ts';
import { statusOf } from './file.ts';
import { Journal, type JournalState } from './journal.ts';
import { isReplaced } from './replace.ts';
import { type ConvertOptions, namesOf } from './task.ts';

type Where = Pick<ConvertOptions, 'source' | 'into'>;

/** How far an interrupted conversion has come, or undefined when there is none. @throws {LuksError} `conversion.busy` */
export function unfinishedConversion(where: Where): JournalState | undefined {
  const names = namesOf(where);
  if (statusOf(names.journal) === undefined) return undefined;
  const journal = Journal.open(names.journal);
  try {
    return journal.read();
  } finally {
    journal.close();
  }
}

/**
 * Removes the copy and the journal of an interrupted conversion, also of one whose journal says nothing sensible; the image
 * stays.
 * @throws {LuksError} `conversion.busy` while it runs; `journal.other` when the new image is in place already
 */
export function abandonConversion(where: Where): void {
  const names = namesOf(where);
  if (statusOf(names.journal) === undefined) return;
  const journal = Journal.open(names.journal);
  try {
    const state = readable(journal);
    if (state !== undefined && isReplaced(names, state))
      throw new LuksError('journal.other', `${names.target}: the new image is in place already; start again to finish`);
    removeCopy(names);
    journal.remove();
  } finally {
    journal.close();
  }
}

function readable(journal: Journal): JournalState | undefined {
  try {
    return journal.read();
  } catch {
    return undefined;
  }
}
