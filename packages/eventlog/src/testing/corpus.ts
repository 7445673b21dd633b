import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.env.VOUCHSAFE_CORPUS;

/** Options for a test that reads real logs from elsewhere: skipped, with the reason, when there are none. */
export const withCorpus = {
  skip: root === undefined || !existsSync(root) ? 'VOUCHSAFE_CORPUS names no folder with logs of real machines' : false,
};

/** Bytes of a file of the corpus. */
export const corpusBytes = (...path: readonly string[]): Uint8Array =>
  new Uint8Array(readFileSync(join(root ?? '', ...path)));

/** Text of a file of the corpus. */
export const corpusText = (...path: readonly string[]): string => readFileSync(join(root ?? '', ...path), 'utf8');

/** Path in the corpus. */
export const corpusPath = (...path: readonly string[]): string => join(root ?? '', ...path);
