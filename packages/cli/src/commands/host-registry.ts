import { Problem } from '@vouchsafe/domain/problem';
import type { HostSummary } from '@vouchsafe/services/attestd/registry/host-summary';
import type { Command } from 'commander';
import { awaitAcknowledgements } from '../acknowledged.ts';
import { callPart, globalsOf } from '../context.ts';
import { readInput } from '../files.ts';
import { print, say } from '../output.ts';
import { hostView } from '../registry/views.ts';

const path = '/attestation/hosts';
const hostPath = (name: string): string => `${path}/${encodeURIComponent(name)}`;

interface Revoked extends HostSummary {
  readonly revoked: readonly string[];
  readonly epoch: number;
}

/** Commands of `vouchsafe host` on the hosts of the registry, on a Trust Authority host. */
export function addHostRegistry(host: Command): void {
  host
    .command('list')
    .description('list the hosts of the registry with state and last attestation, on a Trust Authority host')
    .addHelpText('after', '\nExamples:\n  vouchsafe host list\n  vouchsafe host list -o json | jq -r ".[].name"')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', path)) as HostSummary[], hostView, globalsOf(command).output);
    });
  host
    .command('revoke <name>')
    .description(
      'refuse a host from now on, by whichever endorsement key of its TPM, on a Trust Authority host; leaves with 2 when another one has not heard',
    )
    .option('--reason <text>', 'why, for those who ask later')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe host revoke kvm1\n  vouchsafe host revoke kvm1 --reason "disk was stolen"',
    )
    .action(async (name: string, { reason }: { reason?: string }, command: Command) => {
      const body = reason === undefined ? {} : { reason };
      const result = (await callPart(command, 'attestd', 'POST', `${hostPath(name)}/revoke`, body)) as Revoked;
      print(result, hostView, globalsOf(command).output);
      for (const ek of result.revoked) say(`revoked endorsement key ${ek}`);
      say(
        `host ${name} gets no more tokens, and those it has are refused; its running VMs go on, and it may start VMs from memory until its offline grace ends`,
      );
      await awaitAcknowledgements(command);
    });
  host
    .command('rename <name> <new>')
    .description('give a host of the registry another name, on a Trust Authority host')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe host rename ek-3f5a10c2d4e6f801 kvm1\n  vouchsafe host rename kvm1 kvm1.east.example',
    )
    .action(async (name: string, next: string, _options, command: Command) => {
      await change(command, name, { name: next });
    });
  host
    .command('move <name>')
    .description('put a host of the registry into another trusted cluster, on a Trust Authority host')
    .requiredOption('--scope <cluster>', 'the trusted cluster')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe host move kvm1 --scope west\n  vouchsafe host move kvm1 --scope default',
    )
    .action(async (name: string, { scope }: { scope: string }, command: Command) => {
      await change(command, name, { scope });
    });
  addReplaceTpm(host);
}

function addReplaceTpm(host: Command): void {
  host
    .command('replace-tpm <name>')
    .description('a host has a new TPM: approve its key, revoke those of the old one, on a Trust Authority host')
    .option('--ek <hash>', 'SHA-256 of the new endorsement key, as `vouchsafe ek pending` shows it')
    .option('--public-key <file>', 'the new endorsement key, PEM')
    .option('--certificate <file>', 'certificate of the new endorsement key, PEM')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe host replace-tpm kvm1 --ek "$(vouchsafe ek pending -o name)"\n  vouchsafe host replace-tpm kvm1 --certificate new-ek.pem',
    )
    .action(
      async (name: string, options: { ek?: string; publicKey?: string; certificate?: string }, command: Command) => {
        const { ek, publicKey, certificate } = options;
        if ([ek, publicKey, certificate].filter((each) => each !== undefined).length !== 1)
          throw new Problem('usage.invalid', 'expected one of --ek, --public-key and --certificate');
        const text = (file: string) => new TextDecoder().decode(readInput(file, 16_384));
        const body = {
          ...(ek !== undefined && { ek }),
          ...(publicKey !== undefined && { public_key: text(publicKey) }),
          ...(certificate !== undefined && { certificate: text(certificate) }),
        };
        const result = (await callPart(command, 'attestd', 'POST', `${hostPath(name)}/replace-tpm`, body)) as Revoked;
        print(result, hostView, globalsOf(command).output);
        for (const old of result.revoked) say(`revoked endorsement key ${old} of the old TPM`);
        await awaitAcknowledgements(command);
      },
    );
}

async function change(command: Command, name: string, body: { name?: string; scope?: string }): Promise<void> {
  const result = (await callPart(command, 'attestd', 'PATCH', hostPath(name), body)) as HostSummary;
  print(result, hostView, globalsOf(command).output);
}
