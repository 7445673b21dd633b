import type { ImaList } from '@vouchsafe/domain/attestation/ima/ima-list';
import type { ImaSettings } from '@vouchsafe/domain/attestation/ima-policy';
import { Problem } from '@vouchsafe/domain/problem';
import { type Command, Option } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { readInput, writeNew } from '../files.ts';
import { print, progressLine, say, type View } from '../output.ts';

interface ListSummary {
  readonly name: string;
  readonly source: string;
  readonly created: string;
  readonly files: number;
  readonly sha256: string;
  readonly images: readonly string[];
}

const listView: View<ListSummary> = {
  columns: [
    ['name', ({ name }) => name],
    ['files', ({ files }) => files],
    ['created', ({ created }) => created],
    ['source', ({ source }) => source],
    ['images', ({ images }) => images.join(', ')],
  ],
  name: ({ name }) => name,
  empty: 'no IMA list is imported: no base image can claim that IMA covers userspace',
};

const settingsView: View<ImaSettings> = {
  fields: [
    ['violations', ({ violations }) => violations],
    ['kexec', ({ kexec }) => kexec],
    ['buffers', ({ buffers }) => buffers],
    ['keys', ({ keys }) => `${keys.length}`],
    ['excludes', ({ excludes }) => (excludes.length === 0 ? 'none' : excludes)],
  ],
};

interface CreateOptions {
  readonly fromLog?: string;
  readonly fromFiles?: string;
  readonly file: string;
  readonly exclude?: readonly string[];
}

const lists = '/attestation/ima/lists';
const policy = '/attestation/ima/policy';
const defaultLog = '/sys/kernel/security/ima/binary_runtime_measurements';
const maxLog = 256 * 1024 * 1024;

/** `vouchsafe ima`: which files hosts may execute, and read as root. */
export function addIma(program: Command): void {
  const ima = program.command('ima').description('IMA: which files hosts may execute, and read as root');
  const list = ima.command('list').description('lists of files and their contents; base images name them');
  addCreate(list);
  addImport(list);
  list
    .command('list')
    .description('list the lists, on a Trust Authority host')
    .addHelpText('after', '\nExamples:\n  vouchsafe ima list list\n  vouchsafe ima list list -o json')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', lists)) as ListSummary[], listView, globalsOf(command).output);
    });
  list
    .command('show <name>')
    .description('write a list as sha256sum would, on a Trust Authority host')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ima list show debian-12.11 | sha256sum -c --quiet\n  vouchsafe ima list show debian-12.11 -o json',
    )
    .action(async (name: string, _options, command: Command) => {
      const { listFile } = await import('@vouchsafe/domain/attestation/ima/ima-list');
      const at = `${lists}/${encodeURIComponent(name)}`;
      const { list } = (await callPart(command, 'attestd', 'GET', at)) as { list: ImaList };
      const { output } = globalsOf(command);
      if (output === 'table') process.stdout.write(listFile(list));
      else print(list, { name: ({ name }) => name }, output);
    });
  list
    .command('delete <name>')
    .description('delete a list that no base image names, on a Trust Authority host')
    .addHelpText('after', '\nExamples:\n  vouchsafe ima list delete debian-12.10\n  vouchsafe ima list delete old')
    .action(async (name: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', `${lists}/${encodeURIComponent(name)}`);
      say(`IMA list ${name} is deleted`);
    });
  addPolicy(ima);
}

function addCreate(list: Command): void {
  list
    .command('create <name>')
    .description('write a list of the files of a golden host, or of a folder')
    .addOption(new Option('--from-log [log]', 'what the kernel measured since the boot').preset(defaultLog))
    .option('--from-files <root>', 'all files below a folder, which stands for /')
    .requiredOption('--file <file>', 'where to write it; must not exist')
    .option('--exclude <glob...>', 'leave these out; quote them')
    .addHelpText(
      'after',
      "\nExamples:\n  vouchsafe ima list create golden --from-log --file golden.sha256 --exclude '/var/log/**'\n  vouchsafe ima list create rescue --from-files /mnt/root --file rescue.sha256",
    )
    .action(async (name: string, options: CreateOptions) => {
      if ((options.fromLog === undefined) === (options.fromFiles === undefined))
        throw new Problem('usage.invalid', 'expected either --from-log or --from-files');
      const { listFile, makeList } = await import('@vouchsafe/domain/attestation/ima/ima-list');
      const source = options.fromLog === undefined ? `files below ${options.fromFiles}` : `log ${options.fromLog}`;
      const lines = options.fromLog === undefined ? await linesOfFiles(options) : await linesOfLog(options);
      const about = { name, source: source.slice(0, 256), created: new Date().toISOString() };
      writeNew(options.file, listFile(makeList(about, lines)));
      say(
        `${options.file}: ${lines.length} files; import it on a Trust Authority host: vouchsafe ima list import FILE`,
      );
    });
}

async function linesOfLog({ fromLog = '', exclude = [] }: CreateOptions) {
  const { decodeImaLog, defaultImaLimits } = await import('@vouchsafe/eventlog/ima/log');
  const { listOfLog } = await import('@vouchsafe/domain/attestation/ima/list-of-log');
  const limits = { ...defaultImaLimits, bytes: maxLog, entries: 4_000_000 };
  const entries = malformed(fromLog, () => decodeImaLog(readInput(fromLog, maxLog), limits));
  const { lines, changing, left } = listOfLog(entries, await globs(exclude));
  if (changing.length > 0) say(`${changing.length} files had several contents, such as ${changing[0]}: exclude them?`);
  if (left > 0) say(`${left} entries are left out: violations, buffers, weak hashes, names that are no paths`);
  return lines;
}

function malformed<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('input.malformed', `${file}: ${(cause as Error).message}`, { cause });
  }
}

async function linesOfFiles({ fromFiles = '', exclude = [] }: CreateOptions) {
  const { listOfFiles } = await import('@vouchsafe/services/ima-lists/from-files');
  const progress = progressLine();
  const { lines, left } = await listOfFiles(fromFiles, await globs(exclude), (files) => {
    if (files % 100 === 0) progress.show(`${files} files`);
  });
  progress.done(`${lines.length} files${left > 0 ? `; ${left} have names that no list can hold` : ''}`);
  return lines;
}

async function globs(patterns: readonly string[]) {
  const { compileGlob } = await import('@vouchsafe/domain/glob');
  return patterns.map((pattern) => {
    try {
      return compileGlob(pattern);
    } catch (cause) {
      throw new Problem('usage.invalid', `--exclude ${pattern}: ${(cause as Error).message}`, { cause });
    }
  });
}

function addImport(list: Command): void {
  list
    .command('import <file>')
    .description('import a list, or any output of sha256sum, on a Trust Authority host')
    .option('--name <name>', 'in place of the name that the file says')
    .option('--replace', 'put it in the place of the list of this name: hosts are judged by it from now on')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ima list import golden.sha256\n  vouchsafe ima list import golden-2.sha256 --name golden --replace',
    )
    .action(async (file: string, options: { name?: string; replace?: boolean }, command: Command) => {
      const { readListFile } = await import('@vouchsafe/domain/attestation/ima/ima-list');
      const text = new TextDecoder().decode(readInput(file));
      const body = { list: readListFile(file, text, new Date(), options.name), replace: options.replace ?? false };
      print(
        (await callPart(command, 'attestd', 'POST', lists, body)) as ListSummary,
        listView,
        globalsOf(command).output,
      );
    });
}

interface PolicyOptions {
  readonly exclude?: readonly string[] | false;
  readonly excludesFrom?: string;
  readonly key?: readonly string[] | false;
  readonly violations?: string;
  readonly kexec?: string;
  readonly buffers?: string;
}

function addPolicy(ima: Command): void {
  const group = ima.command('policy').description('what holds for the IMA logs of all hosts');
  group
    .command('show')
    .description('show excludes and settings, on a Trust Authority host')
    .addHelpText('after', '\nExamples:\n  vouchsafe ima policy show\n  vouchsafe ima policy show -o json')
    .action(async (_options, command: Command) => {
      print(
        (await callPart(command, 'attestd', 'GET', policy)) as ImaSettings,
        settingsView,
        globalsOf(command).output,
      );
    });
  group
    .command('set')
    .description('change what is named, on a Trust Authority host; the rest stays')
    .option('--exclude <glob...>', 'files that may have any content: these, and no others than these')
    .option('--excludes-from <file>', 'the same, one in a line')
    .option('--no-exclude', 'no excludes')
    .option('--key <file...>', 'certificates or public keys, PEM: files signed by one of them may have any content')
    .option('--no-key', 'no keys')
    .addOption(
      new Option('--violations <how>', 'files written while they were in use').choices(['by-path', 'fail', 'warn']),
    )
    .addOption(new Option('--kexec <how>', 'another kernel loaded with kexec').choices(['fail', 'warn']))
    .addOption(new Option('--buffers <how>', 'other data that the kernel measured').choices(['fail', 'warn']))
    .addHelpText(
      'after',
      "\nExamples:\n  vouchsafe ima policy set --exclude '/var/log/**' '/run/**' /etc/mtab\n  vouchsafe ima policy set --key vendor-ima.pem --violations warn",
    )
    .action(async (options: PolicyOptions, command: Command) => {
      const body = updateOf(options);
      if (Object.keys(body).length === 0) throw new Problem('usage.invalid', 'expected something to change');
      print(
        (await callPart(command, 'attestd', 'PATCH', policy, body)) as ImaSettings,
        settingsView,
        globalsOf(command).output,
      );
    });
}

function updateOf({ exclude, excludesFrom, key, violations, kexec, buffers }: PolicyOptions) {
  const excludes = excludesFrom === undefined ? exclude : [...(exclude || []), ...linesOf(excludesFrom)];
  // Commander gives `true` to an option that has a `--no-` form and was not given.
  const given = <T>(value: T | boolean | undefined): T | [] | undefined =>
    value === false ? [] : value === true ? undefined : (value as T | undefined);
  const keys = given(key)?.map((file) => new TextDecoder().decode(readInput(file, 16384)));
  const all = { excludes: given(excludes), keys, violations, kexec, buffers };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Lines of a file without blank ones and remarks. */
const linesOf = (file: string): string[] =>
  new TextDecoder()
    .decode(readInput(file, 1024 * 1024))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
