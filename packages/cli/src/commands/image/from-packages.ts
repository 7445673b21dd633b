import { Problem } from '@vouchsafe/domain/problem';
import type { Command } from 'commander';
import { readInput, writeNew } from '../../files.ts';
import { progressLine, say } from '../../output.ts';

interface Options {
  readonly packages: string;
  readonly mirror: string;
  readonly keyring: string;
  readonly suite: readonly string[];
  readonly component?: readonly string[];
  readonly arch: string;
  readonly cache?: string;
  readonly allowMissing?: boolean;
  readonly file: string;
}

const maxShown = 20;

/** `vouchsafe image from-packages`: what the files of Debian packages are, without a golden host. */
export function addFromPackages(image: Command): void {
  image
    .command('from-packages <name>')
    .description('write an IMA list of the files of Debian packages, verified by the signature of their archive')
    .requiredOption(
      '--packages <file>',
      'which ones: output of dpkg-query -W, a dpkg status file, or names; - reads standard input',
    )
    .requiredOption('--mirror <address>', 'the archive: a folder, http or https')
    .requiredOption('--keyring <file>', 'keyring of those who may sign the archive')
    .requiredOption('--suite <suite...>', 'suites to look into')
    .option('--component <component...>', 'components to look into; all by default')
    .option('--arch <architecture>', 'architecture of the host', 'amd64')
    .option('--cache <dir>', 'where packages stay for the next time')
    .option('--allow-missing', 'leave out packages that the archive does not have, and say which')
    .requiredOption('--file <file>', 'where to write the list; must not exist')
    .addHelpText(
      'after',
      '\nExamples:\n  dpkg-query -W | vouchsafe image from-packages debian-12.11 --packages - --mirror http://deb.debian.org/debian --keyring /usr/share/keyrings/debian-archive-keyring.gpg --suite bookworm bookworm-updates --file debian-12.11.sha256\n  vouchsafe image from-packages base --packages packages.txt --mirror /srv/mirror/debian --keyring /usr/share/keyrings/debian-archive-keyring.gpg --suite bookworm --cache /var/cache/vouchsafe --file base.sha256',
    )
    .action(async (name: string, options: Options) => await fromPackages(name, options));
}

async function fromPackages(name: string, options: Options): Promise<void> {
  const { listOfPackages } = await import('@vouchsafe/services/ima-lists/from-packages');
  const { readWanted } = await import('@vouchsafe/services/ima-lists/debian/wanted');
  const { listFile, makeList } = await import('@vouchsafe/domain/attestation/ima/ima-list');
  const now = new Date();
  const line = progressLine();
  const made = await listOfPackages({
    wanted: readWanted(options.packages, new TextDecoder().decode(readInput(options.packages))),
    mirror: options.mirror,
    keyring: options.keyring,
    suites: options.suite,
    components: options.component ?? [],
    architecture: options.arch,
    cache: options.cache,
    now,
    progress: (done, all, what) => line.show(all === 0 ? what : `${done} of ${all} packages: ${what}`),
  });
  line.done(`${made.packages} packages, ${made.lines.length} files`);
  if (made.missing.length > 0) tellMissing(made.missing, options.allowMissing ?? false);
  const source = `packages of ${options.suite.join(', ')} at ${options.mirror}`.slice(0, 256);
  writeNew(options.file, listFile(makeList({ name, source, created: now.toISOString() }, made.lines)));
  say(`${options.file}: import it on a Trust Authority host: vouchsafe ima list import ${options.file}`);
}

function tellMissing(missing: readonly { name: string; version: string | undefined }[], allowed: boolean): void {
  const names = missing.map(({ name, version }) => (version === undefined ? name : `${name} ${version}`));
  const more = names.length > maxShown ? ` and ${names.length - maxShown} more` : '';
  const text = `not in the archive: ${names.slice(0, maxShown).join(', ')}${more}`;
  if (!allowed) throw new Problem('archive.incomplete', text);
  say(text);
}
