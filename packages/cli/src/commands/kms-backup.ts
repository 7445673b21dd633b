import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { print, type View } from '../output.ts';

interface Kept {
  readonly file: string;
  readonly objects: number;
  readonly clients: number;
}

const keptView: View<Kept> = {
  fields: [
    ['backup', ({ file }) => file],
    ['objects', ({ objects }) => String(objects)],
    ['clients', ({ clients }) => String(clients)],
  ],
  name: ({ file }) => file,
};

/** `vouchsafe kms backup` and `restore`. */
export function addBackup(kms: Command): void {
  kms
    .command('backup <file>')
    .description('write a backup of a key server, which may be running; it is read back before it gets its name')
    .requiredOption('--data <dir>', 'the data of the key server')
    .addHelpText(
      'after',
      `
The root key is not in it: keep that, or a recovery key, elsewhere. The audit records are not in it either: ship them.

Examples:
  vouchsafe kms backup /backup/kms-monday --data /var/lib/vouchsafe-kms
  vouchsafe kms backup ./kms.backup --data ./kms -o json`,
    )
    .action(async (file: string, { data }: { data: string }, command: Command) => {
      const { backUp } = await import('@vouchsafe/services/kms/backup');
      print<Kept>({ file, ...(await backUp(data, file)) }, keptView, globalsOf(command).output);
    });
  kms
    .command('restore <file>')
    .description('make the folder of a key server from a backup; the folder must be empty, or not be there')
    .requiredOption('--data <dir>', 'the new data of the key server')
    .option('--root-key <file>', 'the root key, when it was a file')
    .option('--recovery <file>', 'the recovery key, when the root key is lost')
    .addHelpText(
      'after',
      `
Clients are as of the backup: whoever was shut out since is in again. Stop the old server first.

Examples:
  vouchsafe kms restore /backup/kms-monday --data /var/lib/vouchsafe-kms --root-key /media/stick/root.key
  vouchsafe kms restore ./kms.backup --data ./kms --recovery /media/stick/recovery.key`,
    )
    .action(async (file: string, options: { data: string; rootKey?: string; recovery?: string }, command: Command) => {
      const { restore } = await import('@vouchsafe/services/kms/restore');
      const { data, ...keys } = options;
      print<Kept>({ file, ...(await restore(file, data, keys)) }, keptView, globalsOf(command).output);
    });
}
