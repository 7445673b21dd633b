import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { print } from '../output.ts';

/** `vouchsafe kms`: the embedded key server. */
export function addKms(program: Command): void {
  const kms = program.command('kms').description('the embedded key server');
  const client = kms.command('client').description('who may talk to the key server');
  client
    .command('add <name>')
    .description('make a certificate for a client and let it in')
    .requiredOption('--data <dir>', 'the data of the key server')
    .requiredOption('--out <dir>', 'where to write NAME.crt, NAME.key and ca.crt')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe kms client add vcenter --data /var/lib/vouchsafe-kms --out .\n  vouchsafe kms client add ta1 --data ./kms --out ./certificates',
    )
    .action(async (name: string, { data, out }: { data: string; out: string }, command: Command) => {
      const { addKmsClient } = await import('@vouchsafe/services/kms/clients');
      const made = await addKmsClient({ dataDir: data, name, outDir: out });
      print(
        { name, ...made },
        {
          fields: Object.keys({ name, ...made }).map((key) => [key, (item) => (item as Record<string, unknown>)[key]]),
        },
        globalsOf(command).output,
      );
    });
}
