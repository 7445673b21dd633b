import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ChecksumLine } from '@vouchsafe/domain/attestation/ima/checksum-lines';
import { Problem } from '@vouchsafe/domain/problem';
import { fetchVouched, type Mirror, mirrorAt, readWhole } from './debian/mirror.ts';
import { filesOfPackage } from './debian/package-files.ts';
import { type ArchivePackage, choose, packagesIn } from './debian/packages-index.ts';
import { type Release, readRelease } from './debian/release.ts';
import { signedText } from './debian/signature.ts';
import type { WantedPackage } from './debian/wanted.ts';

/** What a list of Debian packages is made of. */
export interface FromPackages {
  readonly wanted: readonly WantedPackage[];
  /** Folder, or http(s). */
  readonly mirror: string;
  /** Keyring file of those who may sign the archive. */
  readonly keyring: string;
  readonly suites: readonly string[];
  /** All of the Release file when empty. */
  readonly components: readonly string[];
  readonly architecture: string;
  /** Folder where packages stay for the next time; a temporary one without it. */
  readonly cache?: string | undefined;
  readonly now: Date;
  readonly progress: (done: number, all: number, what: string) => void;
}

export interface ListOfPackages {
  readonly lines: readonly ChecksumLine[];
  readonly packages: number;
  /** What no suite has. */
  readonly missing: readonly WantedPackage[];
  readonly left: number;
}

/** Packages that are fetched and read at once. */
const parallel = 4;
const maxRelease = 16 * 1024 * 1024;
const maxIndexText = 512 * 1024 * 1024;

/**
 * The files of Debian packages with their contents. Nothing is believed that the keyring does not vouch for: the Release
 * file by its signature, the index by its hash there, each package by its hash in the index.
 * @throws {Problem} `archive.untrusted`, `archive.unreachable`, `input.malformed`
 */
export async function listOfPackages(input: FromPackages): Promise<ListOfPackages> {
  const mirror = mirrorAt(input.mirror);
  const own = input.cache === undefined ? await mkdtemp(join(tmpdir(), 'vouchsafe-packages-')) : undefined;
  const folder = own ?? input.cache!;
  try {
    await mkdir(folder, { recursive: true });
    const names = new Set(input.wanted.map(({ name }) => name));
    const archive: ArchivePackage[] = [];
    for (const suite of input.suites) archive.push(...(await packagesOfSuite(mirror, suite, names, input, folder)));
    const { found, missing } = choose(input.wanted, archive, input.architecture);
    const files = await filesOf(mirror, found, folder, input.progress, own !== undefined);
    return { ...files, packages: found.length, missing };
  } finally {
    if (own !== undefined) await rm(own, { recursive: true, force: true });
  }
}

async function packagesOfSuite(
  mirror: Mirror,
  suite: string,
  names: ReadonlySet<string>,
  { keyring, components, architecture, now, progress }: FromPackages,
  folder: string,
): Promise<ArchivePackage[]> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/.test(suite) || suite.includes('..'))
    throw new Problem('input.invalid', `suite ${suite}: expected a name such as bookworm`);
  progress(0, 0, `Release of ${suite}`);
  const release = readRelease(await releaseText(mirror, suite, keyring), suite.replace(/\/.*$/, ''), now);
  const packages: ArchivePackage[] = [];
  for (const component of components.length > 0 ? components : release.components) {
    progress(0, 0, `index of ${suite} ${component}`);
    const what = `${suite} ${component} ${architecture}`;
    const text = await indexText(
      mirror,
      suite,
      release,
      `${component.replace(/^.*\//, '')}/binary-${architecture}`,
      folder,
    );
    if (text !== undefined) packages.push(...packagesIn(what, text, names));
    else if (components.length > 0)
      throw new Problem('object.unknown', `${what}: the Release file names no such index`);
  }
  return packages;
}

/** `InRelease`, or where there is none `Release` with its signature beside it. */
async function releaseText(mirror: Mirror, suite: string, keyring: string): Promise<string> {
  const at = `dists/${suite}`;
  const inRelease = await ifThere(readWhole(mirror, `${at}/InRelease`, maxRelease));
  if (inRelease !== undefined) return await signedText({ inRelease }, keyring);
  const release = await readWhole(mirror, `${at}/Release`, maxRelease).catch((cause: unknown) => {
    if (!(cause instanceof Problem) || cause.kind !== 'object.unknown') throw cause;
    throw new Problem('archive.unreachable', `${mirror.address}: no suite ${suite} there: ${cause.message}`, { cause });
  });
  const signature = await ifThere(readWhole(mirror, `${at}/Release.gpg`, maxRelease));
  if (signature === undefined) throw new Problem('archive.untrusted', `${at}: the archive is not signed`);
  return await signedText({ release, signature }, keyring);
}

async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Problem && error.kind === 'object.unknown') return undefined;
    throw error;
  }
}

/** The index of packages, by its hash in the Release file; undefined when that names none. */
async function indexText(
  mirror: Mirror,
  suite: string,
  release: Release,
  at: string,
  folder: string,
): Promise<string | undefined> {
  for (const [name, open] of Object.entries(forms)) {
    const vouched = release.files.get(`${at}/${name}`);
    if (vouched === undefined) continue;
    const file = join(folder, `index-${vouched.sha256}`);
    const byHash = `dists/${suite}/${at}/by-hash/SHA256/${vouched.sha256}`;
    const byName = `dists/${suite}/${at}/${name}`;
    const hashed = release.byHash && (await ifThere(fetchVouched(mirror, byHash, vouched, file).then(() => true)));
    if (hashed !== true) await fetchVouched(mirror, byName, vouched, file);
    return await open(await readFile(file), name);
  }
  return undefined;
}

const unzip = promisify(gunzip);

const forms: Readonly<Record<string, (bytes: Buffer, name: string) => Promise<string>>> = {
  'Packages.gz': async (bytes, name) => {
    try {
      return (await unzip(bytes, { maxOutputLength: maxIndexText })).toString('utf8');
    } catch (cause) {
      throw new Problem('input.malformed', `${name}: ${(cause as Error).message}`, { cause });
    }
  },
  Packages: async (bytes) => bytes.toString('utf8'),
};

async function filesOf(
  mirror: Mirror,
  packages: readonly ArchivePackage[],
  folder: string,
  progress: FromPackages['progress'],
  once: boolean,
) {
  const lines: ChecksumLine[] = [];
  let [left, done, next] = [0, 0, 0];
  const worker = async (): Promise<void> => {
    for (let each = packages[next++]; each !== undefined; each = packages[next++]) {
      if (failed) return;
      const file = join(folder, `${each.sha256}.deb`);
      await fetchVouched(mirror, each.path, each, file);
      const files = await filesOfPackage(file);
      if (once) await rm(file, { force: true });
      for (const line of files.lines) lines.push(line);
      left += files.left;
      progress(++done, packages.length, `${each.name} ${each.version}`);
    }
  };
  let failed = false;
  const workers = Array.from({ length: parallel }, async () => {
    try {
      await worker();
    } catch (error) {
      failed = true;
      throw error;
    }
  });
  // All have ended before the folder goes.
  const results = await Promise.allSettled(workers);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return { lines, left };
}
