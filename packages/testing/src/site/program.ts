import { fileURLToPath } from 'node:url';
import type { Argv } from '../command.ts';

/** The program of this repository with arguments; run by the same Node as we are. */
export const vouchsafe = (...args: readonly string[]): Argv => [
  process.execPath,
  '--disable-sigusr1',
  fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url)),
  ...args,
];
