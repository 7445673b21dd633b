import type { FirmwareBlock } from '@vouchsafe/domain/attestation/firmware-block';
import { parseJson } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { readInput } from '../files.ts';
import { print, say, type View } from '../output.ts';

const path = '/attestation/tpm2/firmware-blocklist';

const view: View<FirmwareBlock> = {
  columns: [
    ['name', ({ name }) => name],
    ['severity', ({ severity }) => severity],
    ['maker', ({ manufacturer }) => manufacturer],
    ['model', ({ model }) => model ?? 'any'],
    ['firmware', ({ versions }) => versions.map(({ from, below }) => `${from} to below ${below}`).join(', ')],
    ['reason', ({ reason }) => reason],
  ],
  name: ({ name }) => name,
  empty: 'no firmware of TPMs is refused',
};

interface AddOptions {
  readonly manufacturer: string;
  readonly model?: string;
  readonly from: string;
  readonly below: string;
  readonly severity: string;
  readonly reason: string;
  readonly advisory?: string;
}

/** `vouchsafe ek blocklist`: firmware of TPMs with known faults. */
export function addBlocklist(ek: Command): void {
  const blocklist = ek.command('blocklist').description('firmware of TPMs that is refused or told');
  blocklist
    .command('list')
    .description('list the firmware that is refused (fail) or told (warn)')
    .addHelpText('after', '\nExamples:\n  vouchsafe ek blocklist list\n  vouchsafe ek blocklist list -o json')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', path)) as FirmwareBlock[], view, globalsOf(command).output);
    });
  blocklist
    .command('import [file]')
    .description('take in a JSON array of entries, as `list -o json` shows them; without a file, the known advisories')
    .addHelpText('after', '\nExamples:\n  vouchsafe ek blocklist import\n  vouchsafe ek blocklist import firmware.json')
    .action(async (file: string | undefined, _options, command: Command) => {
      const body = file === undefined ? {} : { entries: entriesOf(file) };
      const taken = (await callPart(command, 'attestd', 'POST', `${path}/import`, body)) as FirmwareBlock[];
      print(taken, view, globalsOf(command).output);
      say(`${taken.length} entries; they count from the next attestation of each host on`);
    });
  addAdd(blocklist);
  blocklist
    .command('delete <name>')
    .description('accept a firmware again')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ek blocklist delete CVE-2019-16863\n  vouchsafe ek blocklist list -o name | xargs -n1 vouchsafe ek blocklist delete',
    )
    .action(async (name: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', `${path}/${encodeURIComponent(name)}`);
      say(`${name} is off the blocklist`);
    });
}

function addAdd(blocklist: Command): void {
  blocklist
    .command('add <name>')
    .description('refuse or tell the firmware of a maker from one version to below another')
    .requiredOption('--manufacturer <id>', 'maker as its EK certificates have it, for instance IFX, NTC, STM')
    .option('--model <prefix>', 'beginning of the model; all models when not given')
    .requiredOption('--from <version>', 'first version that is meant: MAJOR.MINOR, or four numbers')
    .requiredOption('--below <version>', 'first version behind it that is not meant any more')
    .option('--severity <word>', '`fail` refuses, `warn` tells', 'fail')
    .requiredOption('--reason <text>', 'what is wrong with it')
    .option('--advisory <url>', 'where its maker says so')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ek blocklist add old-ifx --manufacturer IFX --from 7.0 --below 7.85 --reason "below our minimum"\n  vouchsafe ek blocklist add CVE-1 --manufacturer NTC --model NPCT7 --from 7.2 --below 7.2.4.1 --severity warn --reason "stops"',
    )
    .action(async (name: string, options: AddOptions, command: Command) => {
      const { from, below, ...rest } = options;
      const body = { name, ...rest, versions: [{ from, below }] };
      print((await callPart(command, 'attestd', 'POST', path, body)) as FirmwareBlock, view, globalsOf(command).output);
    });
}

function entriesOf(file: string): unknown[] {
  const value = parseJson(file, new TextDecoder().decode(readInput(file, 4 * 1024 * 1024)));
  if (!Array.isArray(value)) throw new Problem('input.invalid', `${file}: expected an array of entries`);
  return value;
}
