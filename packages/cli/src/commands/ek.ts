import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { print, say, type View } from '../output.ts';

interface Pending {
  readonly ek: string;
  readonly tpm: string;
  readonly since: string;
}

const hostView: View<HostRecord> = {
  columns: [
    ['host', ({ name }) => name],
    ['scope', ({ scope }) => scope],
    ['state', ({ state }) => state],
    ['tpm', ({ tpm }) => tpm],
    ['since', ({ since }) => since],
    ['endorsement key', ({ ek }) => ek],
  ],
  name: ({ ek }) => ek,
  empty: 'no endorsement key is approved: no host can be attested',
};
const pendingView: View<Pending> = {
  columns: [
    ['endorsement key', ({ ek }) => ek],
    ['tpm', ({ tpm }) => tpm],
    ['since', ({ since }) => since],
  ],
  name: ({ ek }) => ek,
  empty: 'no TPM waits for approval',
};

const path = '/attestation/tpm2/endorsement-keys';

/** `vouchsafe ek`: the endorsement keys that are ours. */
export function addEk(program: Command): void {
  const ek = program.command('ek').description('endorsement keys: which TPMs are ours, on a Trust Authority host');
  ek.command('list')
    .description('list the endorsement keys with host, scope and state')
    .addHelpText('after', '\nExamples:\n  vouchsafe ek list\n  vouchsafe ek list -o json')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', path)) as HostRecord[], hostView, globalsOf(command).output);
    });
  ek.command('pending')
    .description('list genuine TPMs that asked to be attested and that nobody approved')
    .addHelpText('after', '\nExamples:\n  vouchsafe ek pending\n  vouchsafe ek pending -o name')
    .action(async (_options, command: Command) => {
      print(
        (await callPart(command, 'attestd', 'GET', `${path}/pending`)) as Pending[],
        pendingView,
        globalsOf(command).output,
      );
    });
  ek.command('approve <ek>')
    .description('make the TPM with this endorsement key (SHA-256 of its public key) one of ours')
    .requiredOption('--name <host>', 'name of the host')
    .option('--scope <cluster>', 'the trusted cluster that the host belongs to', 'default')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ek approve "$(vouchsafe ek pending -o name)" --name kvm1 --scope east\n  vouchsafe ek approve 3f5a... --name kvm2',
    )
    .action(async (hash: string, { name, scope }: { name: string; scope: string }, command: Command) => {
      print(
        (await callPart(command, 'attestd', 'POST', path, { ek: hash, name, scope })) as HostRecord,
        hostView,
        globalsOf(command).output,
      );
    });
  ek.command('revoke <ek>')
    .description('refuse the TPM with this endorsement key from now on')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ek revoke 3f5a...\n  vouchsafe ek list -o name | xargs -n1 vouchsafe ek revoke',
    )
    .action(async (hash: string, _options, command: Command) => {
      const { name } = (await callPart(
        command,
        'attestd',
        'POST',
        `${path}/${encodeURIComponent(hash)}/revoke`,
      )) as HostRecord;
      say(`host ${name} gets no more tokens; the one it may have lives up to ten minutes`);
    });
}
