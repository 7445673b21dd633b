import type { CertificateStatus } from '@vouchsafe/services/kms/status';
import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { print, type View } from '../output.ts';

const view: View<CertificateStatus> = {
  columns: [
    ['certificate', ({ of }) => of],
    ['status', ({ status }) => status],
    ['expires', ({ expires }) => expires.toISOString().slice(0, 10)],
    ['fingerprint', ({ fingerprint }) => fingerprint],
  ],
  name: ({ of }) => of,
};

/** `vouchsafe kms status`: which certificates hold for how long. */
export function addStatus(kms: Command): void {
  kms
    .command('status')
    .description('show the certificates of the key server and of its clients, those that end first on top')
    .requiredOption('--data <dir>', 'the data of the key server')
    .addHelpText(
      'after',
      `
Leaves with 3 when one of them has ended.

Examples:
  vouchsafe kms status --data /var/lib/vouchsafe-kms
  vouchsafe kms status --data ./kms -o json`,
    )
    .action(async ({ data }: { data: string }, command: Command) => {
      const { kmsStatus } = await import('@vouchsafe/services/kms/status');
      const found = await kmsStatus(data);
      print(found, view, globalsOf(command).output);
      if (found.some(({ status }) => status === 'expired')) process.exitCode = 3;
    });
}
