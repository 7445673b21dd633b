import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import type { Minimums } from '@vouchsafe/domain/attestation/minimums';
import { Problem } from '@vouchsafe/domain/problem';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../../context.ts';
import { readInput } from '../../files.ts';
import { print, say, type View } from '../../output.ts';
import { imagePath } from './summary.ts';

const path = '/attestation/os/minimums';

interface Answer {
  readonly minimums: Minimums;
  readonly below: readonly { readonly image: string; readonly check: string; readonly detail: string }[];
}

const view: View<Answer> = {
  fields: [
    ['kernel', ({ minimums: { kernel = 'any' } }) => kernel],
    [
      'sbat',
      ({ minimums: { sbat = {} } }) =>
        Object.entries(sbat)
          .map(([name, value]) => `${name}=${value}`)
          .join(', ') || 'any',
    ],
    ['sbat level', ({ minimums: { sbat_date = 'any' } }) => sbat_date],
    ['dbx', ({ minimums: { dbx } }) => (dbx === undefined ? 'any' : `${dbx.entries.length} entries of ${dbx.name}`)],
    ['below', ({ below }) => below.map(({ detail }) => detail)],
  ],
};

interface SetOptions {
  readonly kernel?: string;
  readonly sbat?: readonly string[];
  readonly sbatLevel?: string;
  readonly dbx?: string;
  readonly dbxOf?: string;
}

const parts = ['kernel', 'sbat', 'sbat-level', 'dbx'] as const;

/** `vouchsafe image minimums`: the oldest software that base images may hold. */
export function addMinimums(image: Command): void {
  const minimums = image.command('minimums').description('the oldest software that base images may hold');
  minimums
    .command('show')
    .description('show what base images must reach, and which active ones do not')
    .addHelpText('after', '\nExamples:\n  vouchsafe image minimums show\n  vouchsafe image minimums show -o json')
    .action(async (_options, command: Command) => show(command, await read(command)));
  minimums
    .command('set')
    .description('ask more of base images; what is not named stays as it is')
    .option('--kernel <release>', 'lowest release of the kernel, without flavour')
    .option('--sbat <component=generation...>', 'lowest generation that shim may still start')
    .option('--sbat-level <date>', "earliest date of shim's SBAT level, ten digits")
    .option('--dbx <file>', 'file of revocations that the firmware must have: dbxupdate.bin, or one of efivarfs')
    .option('--dbx-of <image>', 'the revocations that the firmware of this base image has')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image minimums set --kernel 6.1.0-32 --sbat shim=4 grub=5\n  vouchsafe image minimums set --dbx DBXUpdate.bin',
    )
    .action(async (options: SetOptions, command: Command) => {
      const next = await changed((await read(command)).minimums, options, command);
      show(command, (await callPart(command, 'attestd', 'PUT', path, next)) as Answer);
    });
  minimums
    .command('clear [parts...]')
    .description(`ask nothing of these parts any more (${parts.join(', ')}; all of them when none is named)`)
    .addHelpText('after', '\nExamples:\n  vouchsafe image minimums clear kernel\n  vouchsafe image minimums clear')
    .action(async (named: string[], _options, command: Command) => {
      const unknown = named.find((each) => !parts.some((part) => part === each));
      if (unknown !== undefined) throw new Problem('usage.invalid', `${unknown}: expected ${parts.join(', ')}`);
      const { minimums } = await read(command);
      const gone = named.length === 0 ? [...parts] : named;
      const kept = Object.entries(minimums).filter(([part]) => !gone.includes(part.replace('sbat_date', 'sbat-level')));
      show(command, (await callPart(command, 'attestd', 'PUT', path, Object.fromEntries(kept))) as Answer);
    });
}

const read = async (command: Command) => (await callPart(command, 'attestd', 'GET', path)) as Answer;

function show(command: Command, answer: Answer): void {
  print(answer, view, globalsOf(command).output);
  const names = new Set(answer.below.map(({ image }) => image));
  if (names.size > 0) say(`hosts of these active base images are refused: ${[...names].join(', ')}`);
}

async function changed(now: Minimums, options: SetOptions, command: Command): Promise<Minimums> {
  const { kernel, sbat, sbatLevel, dbx, dbxOf } = options;
  if (Object.keys(options).length === 0) throw new Problem('usage.invalid', 'name what to ask for, see --help');
  if (dbx !== undefined && dbxOf !== undefined) throw new Problem('usage.invalid', 'expected --dbx or --dbx-of');
  return {
    ...now,
    ...(kernel !== undefined && { kernel }),
    ...(sbat !== undefined && { sbat: { ...now.sbat, ...Object.fromEntries(sbat.map(generation)) } }),
    ...(sbatLevel !== undefined && { sbat_date: sbatLevel }),
    ...(dbx !== undefined && { dbx: { name: dbx, entries: await entriesOfFile(dbx) } }),
    ...(dbxOf !== undefined && { dbx: { name: dbxOf, entries: await entriesOfImage(dbxOf, command) } }),
  };
}

function generation(text: string): [string, number] {
  const [, component, value] = /^([^=]+)=(\d+)$/.exec(text) ?? [];
  if (component === undefined)
    throw new Problem('usage.invalid', `${text}: expected a component and a generation, such as shim=4`);
  return [component, Number(value)];
}

async function entriesOfFile(file: string): Promise<string[]> {
  const { decodeDatabaseFile } = await import('@vouchsafe/eventlog/uefi/database-file');
  const { dbxEntry } = await import('@vouchsafe/domain/attestation/minimums');
  try {
    return unique(decodeDatabaseFile(readInput(file, 2 ** 20)).map(dbxEntry), file);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('input.malformed', `${file}: no signature database: ${(cause as Error).message}`, { cause });
  }
}

async function entriesOfImage(name: string, command: Command): Promise<string[]> {
  const { dbxEntry } = await import('@vouchsafe/domain/attestation/minimums');
  const { imageFacts } = await import('@vouchsafe/domain/attestation/image-facts');
  const { image } = (await callPart(command, 'attestd', 'GET', imagePath(name))) as { image: BaseImage };
  const { signatures } = imageFacts(image).facts.databases.dbx?.value ?? {};
  if (signatures === undefined) throw new Problem('input.invalid', `base image ${name} proves no dbx`);
  return unique(signatures.map(dbxEntry), `dbx of base image ${name}`);
}

function unique(entries: readonly string[], what: string): string[] {
  if (entries.length === 0) throw new Problem('input.invalid', `${what}: it revokes nothing`);
  return [...new Set(entries)];
}
