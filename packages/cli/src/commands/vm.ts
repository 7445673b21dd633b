import type { EncryptProgress } from '@vouchsafe/services/kmxa/vm-encrypt';
import type { Sealed } from '@vouchsafe/services/kmxa/vm-seal';
import type { Command } from 'commander';
import { callPart, globalsOf, ofThisHost, partClient } from '../context.ts';
import { print, progressLine, type View } from '../output.ts';

interface VmInfo {
  readonly name: string;
  readonly uuid: string;
  readonly running: boolean;
  readonly generation?: number;
  readonly sealed?: boolean;
  readonly disks: {
    target: string;
    device: string;
    path?: string;
    encrypted: boolean;
    kind?: string;
    provider?: string;
    luks?: string;
  }[];
}

const infoView: View<VmInfo> = {
  fields: [
    ['vm', ({ name }) => name],
    ['uuid', ({ uuid }) => uuid],
    ['state', ({ running }) => (running ? 'running' : 'shut off')],
    [
      'key safe',
      ({ generation, sealed }) =>
        generation === undefined
          ? 'none'
          : `generation ${generation}${sealed ? '' : ', the domain was CHANGED since it was sealed'}`,
    ],
    [
      'disks',
      ({ disks }) =>
        disks.map(
          (disk) =>
            `${disk.target} ${disk.path ?? '-'}: ${disk.encrypted ? `encrypted, ${disk.kind ?? 'foreign'} key of provider ${disk.provider ?? '-'}` : 'plain'}`,
        ),
    ],
  ],
  name: ({ name }) => name,
};

const sealedView: View<Sealed> = {
  fields: [
    ['vm', ({ vm }) => vm],
    ['generation', ({ generation }) => generation],
    [
      'accepted',
      ({ accepted }) =>
        accepted.length === 0 ? 'changes that this host cannot name: it has not seen the sealed domain' : accepted,
    ],
  ],
  name: ({ vm }) => vm,
};

/** `vouchsafe vm`: encrypted VMs of this host. */
export function addVm(program: Command): void {
  const vm = program.command('vm').description('encrypted VMs of this host');
  vm.command('info <vm>')
    .description('show how each disk of a VM is encrypted')
    .addHelpText('after', '\nExamples:\n  vouchsafe vm info web1\n  vouchsafe vm info web1 -o json')
    .action(async (name: string, _options, command: Command) => {
      const info = await callPart(command, 'kmxa', 'GET', `/trusted-infrastructure/vms/${encodeURIComponent(name)}`);
      print(info as VmInfo, infoView, globalsOf(command).output);
    });
  vm.command('seal <vm>')
    .description('accept what was changed in a VM that is shut off, so that it starts again')
    .addHelpText('after', '\nExamples:\n  vouchsafe vm seal web1\n  vouchsafe vm seal web1 -o json | jq -r .accepted[]')
    .action(async (name: string, _options, command: Command) => {
      const sealed = await callPart(
        command,
        'kmxa',
        'POST',
        `/trusted-infrastructure/vms/${encodeURIComponent(name)}/seal`,
      );
      print(sealed as Sealed, sealedView, globalsOf(command).output);
    });
  vm.command('encrypt <vm>')
    .description('encrypt the disks of a VM that is shut off')
    .requiredOption('--provider <name>', 'key provider whose keys protect it')
    .option('--key <id>', 'key that encrypts; for a standard provider, whose keys are made on its key server')
    .option('--disk <target...>', 'only these disks, for instance vda')
    .option('--old <what>', 'the plain image afterwards: unlink, overwrite or keep', 'unlink')
    .addHelpText(
      'after',
      `
Killed at any moment, the same command again goes on where it was.

Examples:
  vouchsafe vm encrypt web1 --provider demo
  vouchsafe vm encrypt db1 --provider demo --disk vda --old overwrite
  vouchsafe vm encrypt web2 --provider hsm --key 6f1c0f2e   # standard provider`,
    )
    .action(
      async (
        name: string,
        options: { provider: string; key?: string; disk?: string[]; old: string },
        command: Command,
      ) => {
        const body = {
          provider: options.provider,
          old: options.old,
          ...(options.key === undefined ? {} : { key: options.key }),
          ...(options.disk === undefined ? {} : { disks: options.disk }),
        };
        await showProgress(command, name, body);
        const info = await callPart(command, 'kmxa', 'GET', `/trusted-infrastructure/vms/${encodeURIComponent(name)}`);
        print(info as VmInfo, infoView, globalsOf(command).output);
      },
    );
}

async function showProgress(command: Command, name: string, body: object): Promise<void> {
  const client = partClient(command, 'kmxa');
  const line = progressLine();
  try {
    for await (const each of client.stream(
      'POST',
      `/trusted-infrastructure/vms/${encodeURIComponent(name)}/encrypt`,
      body,
    )) {
      const progress = each as EncryptProgress;
      if (progress.step === 'disk')
        line.show(
          `${progress.disk}: ${Math.floor((100 * progress.done) / progress.total)} % of ${Math.round(progress.total / 2 ** 20)} MiB`,
        );
      else if (progress.step === 'done') line.done(`${name}: encrypted`);
    }
  } catch (error) {
    throw ofThisHost(error, 'kmxa');
  } finally {
    await client.close();
  }
}
