import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { Problem } from '@vouchsafe/domain/problem';
import type { ShownPending } from '@vouchsafe/services/attestd/registry/pending-host';
import type { Command } from 'commander';
import { awaitAcknowledgements } from '../acknowledged.ts';
import { callPart, globalsOf } from '../context.ts';
import { print, say, type View } from '../output.ts';
import { approveFile, approvePending } from '../registry/approve-many.ts';
import type { CheckedKey, KeyCheck } from '../registry/check-keys.ts';
import { pendingView, rowView } from '../registry/views.ts';
import { addBlocklist } from './ek-blocklist.ts';

const path = '/attestation/tpm2/endorsement-keys';
const keyPath = (ek: string): string => `${path}/${encodeURIComponent(ek)}`;

interface ApproveOptions {
  readonly name?: string;
  readonly scope?: string;
  readonly link: boolean;
  readonly file?: string;
  readonly dryRun: boolean;
  readonly allPending: boolean;
  readonly yes: boolean;
}

/** `vouchsafe ek`: the endorsement keys that are ours. */
export function addEk(program: Command): void {
  const ek = program.command('ek').description('endorsement keys: which TPMs are ours, on a Trust Authority host');
  ek.command('list')
    .description('list the endorsement keys with host, scope and state')
    .addHelpText('after', '\nExamples:\n  vouchsafe ek list\n  vouchsafe ek list -o json')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', path)) as HostRecord[], rowView, globalsOf(command).output);
    });
  ek.command('pending')
    .description('list genuine TPMs that asked to be attested and that nobody approved')
    .addHelpText('after', '\nExamples:\n  vouchsafe ek pending\n  vouchsafe ek pending -o name')
    .action(async (_options, command: Command) => {
      const waiting = (await callPart(command, 'attestd', 'GET', `${path}/pending`)) as ShownPending[];
      print(waiting, pendingView, globalsOf(command).output);
    });
  addApprove(ek);
  addBlocklist(ek);
  addCheck(ek);
  ek.command('dismiss <ek>')
    .description('take a TPM off the list of those that wait; it comes back when it asks again')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ek dismiss 3f5a...\n  vouchsafe ek pending -o name | xargs -n1 vouchsafe ek dismiss',
    )
    .action(async (hash: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', `${path}/pending/${encodeURIComponent(hash)}`);
      say(`${hash} waits no more`);
    });
  ek.command('revoke <ek>')
    .description('refuse the host with this endorsement key from now on, by whichever key of its TPM')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ek revoke 3f5a...\n  vouchsafe ek revoke 3f5a... && vouchsafe host list',
    )
    .action(async (hash: string, _options, command: Command) => {
      const { name } = (await callPart(command, 'attestd', 'POST', `${keyPath(hash)}/revoke`)) as HostRecord;
      say(`host ${name} gets no more tokens, and those it has are refused`);
      await awaitAcknowledgements(command);
    });
  ek.command('delete <ek>')
    .description('forget an endorsement key: an approved one is not ours any more, a revoked one may be approved again')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ek delete 3f5a...\n  vouchsafe ek delete 3f5a... && vouchsafe ek approve 3f5a... --name kvm1',
    )
    .action(async (hash: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', keyPath(hash));
      say(`endorsement key ${hash} is forgotten`);
      await awaitAcknowledgements(command);
    });
  ek.command('forget-boots <ek>')
    .description('forget what this TPM said of its starts and its clock, after it was cleared or restored on purpose')
    .addHelpText(
      'after',
      '\nA host is refused (tpm.boot-identity, tpm.clock) when its TPM goes back in time. Find out why before you use this.\n\nExamples:\n  vouchsafe ek forget-boots 3f5a...\n  vouchsafe ek forget-boots "$(vouchsafe ek list -o name | head -n 1)"',
    )
    .action(async (hash: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', `${keyPath(hash)}/boots`);
      say('the next attestation of this TPM is taken for its first');
    });
}

function addCheck(ek: Command): void {
  ek.command('check')
    .description('compare the RSA endorsement keys with one another; leaves with 3 when two have a factor in common')
    .addHelpText('after', '\nExamples:\n  vouchsafe ek check\n  vouchsafe ek check -o json | jq .shared')
    .action(async (_options, command: Command) => {
      const lists = await Promise.all(
        [path, `${path}/pending`].map((each) => callPart(command, 'attestd', 'GET', each)),
      );
      const keys = lists.flat() as CheckedKey[];
      if (keys.length > many) say(`comparing ${keys.length} keys; that takes a minute or two`);
      const { checkKeys } = await import('../registry/check-keys.ts');
      const found = checkKeys(keys);
      print(found, checkView, globalsOf(command).output);
      if (found.shared.length > 0) process.exitCode = 3;
    });
}

/** From this many keys on a person wants to know that it goes on. */
const many = 1000;

const checkView: View<KeyCheck> = {
  fields: [
    ['compared', ({ compared }) => `${compared} RSA keys`],
    ['not known', ({ unknown }) => (unknown === 0 ? undefined : `${unknown} keys, listed by their hash only`)],
    [
      'shared',
      ({ shared }) =>
        shared.length === 0
          ? 'no factor'
          : shared.map(
              ({ keys, detail }) =>
                `${keys.map(({ name, ek: each }) => `${name ?? 'pending'} (${each})`).join(' and ')}: ${detail}`,
            ),
    ],
  ],
};

function addApprove(ek: Command): void {
  ek.command('approve [ek]')
    .description(
      'make TPMs ours: one by its endorsement key (SHA-256 of the public key), an inventory, or all that wait',
    )
    .option('--name <host>', 'name of the host; not needed for another key of a TPM that is approved')
    .option('--scope <cluster>', 'the trusted cluster that the host belongs to; `default` when it is new')
    .option('--link', 'the key is of the TPM that the host of that name has already: take my word for it', false)
    .option('--file <inventory>', 'approve all of an inventory, or none: JSON, JSON lines or CSV with name, scope, ek')
    .option('--dry-run', 'with --file: say what would be done', false)
    .option('--all-pending', 'approve all TPMs that wait; needs --scope', false)
    .option('--yes', 'with --all-pending: do it; without it they are listed', false)
    .addHelpText(
      'after',
      [
        '\nExamples:',
        '  vouchsafe ek approve "$(vouchsafe ek pending -o name)" --name kvm1 --scope east',
        '  vouchsafe ek approve 3f5a...   # the other key of a TPM that is approved',
        '  vouchsafe ek approve --file inventory.csv --dry-run',
        '  vouchsafe ek approve --all-pending --scope east --yes',
      ].join('\n'),
    )
    .action(async (hash: string | undefined, options: ApproveOptions, command: Command) => {
      const { name, scope, link, file, dryRun, allPending, yes } = options;
      if ([hash, file, allPending || undefined].filter((each) => each !== undefined).length !== 1)
        throw new Problem('usage.invalid', 'expected one of EK, --file and --all-pending');
      if (file !== undefined) return await approveFile(command, file, scope, dryRun);
      if (allPending) {
        if (scope === undefined) throw new Problem('usage.invalid', '--all-pending needs --scope');
        return await approvePending(command, scope, yes);
      }
      const body = { ek: hash, name, scope, ...(link && { link }) };
      print((await callPart(command, 'attestd', 'POST', path, body)) as HostRecord, rowView, globalsOf(command).output);
    });
}
