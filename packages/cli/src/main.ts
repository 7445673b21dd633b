import { CommanderError } from 'commander';
import { printError } from './output.ts';
import { makeProgram } from './program.ts';

// Whoever reads our output may stop early (`| head`): then there is nothing left to say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

/** Runs the command line and leaves with the exit code of its outcome. */
async function main(argv: readonly string[]): Promise<number> {
  const program = makeProgram();
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    // Commander has printed usage, help or its error already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
    return printError(error, program.opts<{ verbose?: boolean }>().verbose === true);
  }
}

// No `await` here: bundled for the single executable this is a CommonJS file.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
