import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { inspections } from '../inspections.ts';

/** `vouchsafe inspect`: shows the field's data, offline, without judging it. */
export function addInspect(program: Command): void {
  const inspect = program.command('inspect').description('show what a file holds, offline; nothing is verified by it');
  for (const [kind, { description, example, read }] of Object.entries(inspections)) {
    inspect
      .command(`${kind} <file>`)
      .description(description)
      .addHelpText(
        'after',
        `\nExamples:\n  vouchsafe inspect ${kind} ${example}\n  vouchsafe inspect ${kind} ${example} -o json`,
      )
      .action(async (file: string, _options, command: Command) => {
        const { output } = globalsOf(command);
        process.stdout.write(`${await read(file, output)}\n`);
      });
  }
}
