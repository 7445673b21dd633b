import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, cacheFolder } from './cache.ts';
import { must, run } from './command.ts';
import { aptEnvironment, aptOptions, aptUpdate, needApt } from './debian.ts';
import { TestingError } from './error.ts';

/** Packages that are only unpacked into the cache, never installed: installing a kernel would change the machine. */
const unpackedPackages: Readonly<Record<string, string>> = {
  'busybox-static': 'all programs of the tiny guest in one file',
  'systemd-boot-efi': 'the stub of unified kernel images',
  'linux-image': 'a kernel for guests and for measured boots',
};

const reasonFor = (name: string): string =>
  unpackedPackages[name.startsWith('linux-image-') ? 'linux-image' : name] ?? 'asked for by name';

/**
 * The file tree of a Debian package, fetched and unpacked on first use; later that version is used on, without asking
 * anybody.
 * @returns the folder that stands for `/`
 * @throws {TestingError} `no-apt`, `download-failed`
 */
export async function unpacked(name: string, say: (line: string) => void = () => {}): Promise<string> {
  const there = (await inCache()).findLast((entry) => entry.name === name);
  if (there !== undefined) return there.root;
  needApt();
  const version = await candidate(name);
  return cached(join('debian', `${name}_${version.replaceAll(':', '%3a')}`), async (folder) => {
    say(`fetching ${name} ${version} (not installed): ${reasonFor(name)}`);
    await download(name, folder);
  });
}

/** A package in the cache. */
export interface UnpackedPackage {
  readonly name: string;
  readonly version: string;
  readonly root: string;
}

/** The packages in the cache, in the order of their versions. */
export async function inCache(): Promise<UnpackedPackage[]> {
  const folder = join(cacheFolder(), 'debian');
  const entries = existsSync(folder) ? await readdir(folder) : [];
  const complete = entries.filter((entry) => !entry.includes('.part-'));
  return complete
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((entry) => {
      const [name, version] = entry.split('_') as [string, string];
      return { name, version: version.replaceAll('%3a', ':'), root: join(folder, entry) };
    });
}

async function download(name: string, folder: string): Promise<void> {
  // root's fetches are done by user _apt unless told otherwise, and that user cannot write into our folder
  const argv = ['apt-get', ...aptOptions, '-o', 'APT::Sandbox::User=root', 'download', name] as const;
  const { code, stderr } = await run(argv, { cwd: folder, env: aptEnvironment() });
  const file = (await readdir(folder)).find((each) => each.endsWith('.deb'));
  if (code !== 0 || file === undefined) {
    throw new TestingError('download-failed', `apt-get download ${name} failed, check the network: ${stderr.trim()}`);
  }
  await must(['dpkg', '-x', join(folder, file), folder]);
  await must(['rm', join(folder, file)]);
}

/** The version that apt would fetch. */
async function candidate(name: string): Promise<string> {
  const version = (await versionOf(name)) ?? (await aptUpdate().then(() => versionOf(name)));
  if (version === undefined)
    throw new TestingError('download-failed', `${name}: the Debian archive has no such package`);
  return version;
}

async function versionOf(name: string): Promise<string | undefined> {
  const { stdout } = await run(['apt-cache', 'show', '--no-all-versions', name], { env: aptEnvironment() });
  // an installed package that no list names has no Filename: it cannot be fetched
  return stdout.includes('\nFilename:') ? /^Version: (\S+)$/m.exec(stdout)?.[1] : undefined;
}
