import type { EvidenceSettings } from '@vouchsafe/domain/attestation/bundle/evidence-settings';
import type { KeptBundle } from '@vouchsafe/services/attestd/evidence-archive';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { writeNew } from '../files.ts';
import { print, say, type View } from '../output.ts';

type Kept = KeptBundle & { readonly host?: string };

const view: View<Kept> = {
  columns: [
    ['time', ({ time }) => time],
    ['host', ({ host, ek }) => host ?? `(${ek.slice(0, 12)}...)`],
    ['verdict', ({ verdict }) => verdict],
    ['bytes', ({ size }) => size],
    ['id', ({ id }) => id],
  ],
  name: ({ id }) => id,
  empty: 'no evidence is kept: there was no refusal, or `vouchsafe evidence keep` says none',
};

const settingsView: View<EvidenceSettings> = {
  fields: [
    ['keep', ({ keep }) => keep],
    ['days', ({ days }) => days],
    ['max_mb', ({ max_mb }) => max_mb],
  ],
};

const path = '/attestation/evidence';

/** `vouchsafe evidence`: what hosts showed, kept beside the verdicts. */
export function addEvidence(program: Command): void {
  const evidence = program
    .command('evidence')
    .description('kept evidence of attestations, on a Trust Authority host; see also verify-evidence');
  evidence
    .command('list')
    .description('list the evidence that is kept, the newest first')
    .option('--host <name>', 'of this host only')
    .addHelpText('after', '\nExamples:\n  vouchsafe evidence list\n  vouchsafe evidence list --host kvm3 -o json')
    .action(async ({ host }: { host?: string }, command: Command) => {
      const all = (await callPart(command, 'attestd', 'GET', path)) as Kept[];
      print(host === undefined ? all : all.filter((each) => each.host === host), view, globalsOf(command).output);
    });
  evidence
    .command('export <name>')
    .description('write the newest bundle of a host, or that with an id, as one file to be verified anywhere')
    .requiredOption('--file <file>', 'where to write it; must not exist')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe evidence export kvm3 --file kvm3.evidence\n  vouchsafe evidence export Xk3vQz --file incident-17.evidence',
    )
    .action(async (name: string, { file }: { file: string }, command: Command) => {
      const found = (await callPart(command, 'attestd', 'GET', `${path}/${encodeURIComponent(name)}`)) as Kept & {
        file: string;
      };
      // It holds the logs of a host, which are nobody else's business.
      writeNew(file, Buffer.from(found.file, 'base64'), 0o600);
      say(`${file}: evidence ${found.id} of ${found.host ?? found.ek}, ${found.verdict} at ${found.time}`);
    });
  evidence
    .command('keep [what]')
    .description('show or change which evidence is kept: none, refused or all; the oldest goes first')
    .addOption(new Option('--days <days>', 'for so many days').argParser(count))
    .addOption(new Option('--max-mb <mebibytes>', 'so much at most').argParser(count))
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe evidence keep\n  vouchsafe evidence keep all --days 30 --max-mb 4096',
    )
    .action(async (what: string | undefined, { days, maxMb }: { days?: number; maxMb?: number }, command: Command) => {
      const change = {
        ...(what === undefined ? {} : { keep: what }),
        ...(days === undefined ? {} : { days }),
        ...(maxMb === undefined ? {} : { max_mb: maxMb }),
      };
      const asked = Object.keys(change).length === 0;
      const settings = asked
        ? await callPart(command, 'attestd', 'GET', `${path}-settings`)
        : await callPart(command, 'attestd', 'PATCH', `${path}-settings`, change);
      print(settings as EvidenceSettings, settingsView, globalsOf(command).output);
    });
}

function count(text: string): number {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) throw new InvalidArgumentError('expected a number above 0');
  return Number(text);
}
