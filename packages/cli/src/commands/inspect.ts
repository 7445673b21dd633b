import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { inspections } from '../inspections.ts';

/** `vouchsafe inspect`: shows the field's data, offline, without judging it. */
export function addInspect(program: Command): void {
  const inspect = program.command('inspect').description('show what a file holds, offline; nothing is verified by it');
  for (const [kind, { description, example, options, read }] of Object.entries(inspections)) {
    const command = inspect.command(`${kind} <file>`).description(description);
    for (const [flag, effect] of Object.entries(options ?? {})) command.option(flag, effect);
    command
      .addHelpText(
        'after',
        `\nExamples:\n  vouchsafe inspect ${kind} ${example}\n  vouchsafe inspect ${kind} ${example} -o json`,
      )
      .action(async (file: string, given: Record<string, unknown>, command: Command) => {
        const { output } = globalsOf(command);
        process.stdout.write(`${await read(file, output, given)}\n`);
      });
  }
}
