import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Swtpm } from './swtpm.ts';

const run = promisify(execFile);

/** Runs a program of tpm2-tools in the folder of a software TPM, which no one else may be connected to. */
export async function tool(swtpm: Swtpm, program: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, TPM2TOOLS_TCTI: swtpm.tcti };
  const { stdout } = await run(program, args, { cwd: swtpm.folder, env, timeout: 30_000 });
  return stdout;
}

/** Path of a file that the tools read or wrote. */
export const file = (swtpm: Swtpm, name: string): string => join(swtpm.folder, name);
