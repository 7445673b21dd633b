import type { Command } from 'commander';

/** `vouchsafe test`: all checks and tests of this repository. */
export function addTest(program: Command): void {
  program
    .command('test [files...]')
    .description('run format, lint, types, layers and all tests; the last line counts them')
    .addHelpText('after', '\nExamples:\n  vouchsafe test\n  vouchsafe test packages/tpm2/src/quote.test.ts')
    .action(async (files: string[]) => {
      const { runTests } = await import('../test-run.ts');
      process.exitCode = await runTests(files);
    });
}
