import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { must } from './command.ts';

const builder = fileURLToPath(new URL('../../../deploy/build-executable.ts', import.meta.url));

/** Builds the program as one executable file. @param folder gets it @returns its path @throws {TestingError} */
export async function buildExecutable(folder: string): Promise<string> {
  await must([process.execPath, builder, '--out', folder]);
  return join(folder, 'vouchsafe');
}
