import { existsSync } from 'node:fs';
import { type CommandResult, run } from './command.ts';
import { TestingError } from './error.ts';

/** What the packages are wanted for. */
export type Purpose = 'demo' | 'dev' | 'test' | 'e2e';

interface PackageFacts {
  readonly purposes: readonly Purpose[];
  readonly reason: string;
}

const all = ['demo', 'dev', 'test', 'e2e'] as const;

/** The Debian packages that the real parts come from; all are installed without their recommendations. */
export const debianPackages = {
  swtpm: { purposes: all, reason: 'the TPM of each host' },
  'swtpm-tools': { purposes: all, reason: 'manufactures TPMs with endorsement certificates' },
  'qemu-system-x86': { purposes: all, reason: 'runs the guests' },
  'qemu-utils': { purposes: all, reason: 'qemu-img makes and checks encrypted images' },
  'libvirt-daemon-system': { purposes: all, reason: 'the hosts that start and migrate guests' },
  'libvirt-clients': { purposes: all, reason: 'virsh' },
  e2fsprogs: { purposes: all, reason: 'mke2fs makes the disks of guests' },
  curl: { purposes: all, reason: 'the libvirt hook speaks to the agent with it' },
  procps: { purposes: ['test'], reason: 'ps and pgrep show what is left of a host' },
  'cryptsetup-bin': { purposes: ['test'], reason: 'a second opinion on LUKS headers' },
  'tpm2-tools': { purposes: ['test'], reason: 'a second opinion on quotes and credentials' },
  xmlsec1: { purposes: ['test'], reason: 'a second opinion on SAML assertions' },
  'python3-pykmip': { purposes: ['test'], reason: 'a second opinion on KMIP' },
  softhsm2: { purposes: ['test'], reason: 'a PKCS#11 token without hardware' },
  'g++': { purposes: ['test'], reason: 'builds the module that speaks to PKCS#11 tokens' },
  make: { purposes: ['test'], reason: 'builds it, too' },
  'postgresql-15': { purposes: ['test'], reason: 'a store that several key servers share' },
  gpg: { purposes: ['test'], reason: 'signs package archives of tests' },
  'gpg-agent': { purposes: ['test'], reason: 'holds the keys of those archives' },
  'ima-evm-utils': { purposes: ['test'], reason: 'a second opinion on signatures of files' },
  ovmf: { purposes: ['test', 'e2e'], reason: 'firmware that measures what it boots' },
  binutils: { purposes: ['test', 'e2e'], reason: 'objcopy makes unified kernel images' },
  fdisk: { purposes: ['test', 'e2e'], reason: 'partitions boot disks' },
  mtools: { purposes: ['test', 'e2e'], reason: 'fills EFI system partitions without mounting them' },
} as const satisfies Record<string, PackageFacts>;

/** The packages that a purpose needs. */
export function packagesFor(purpose: Purpose): string[] {
  const rows: [string, PackageFacts][] = Object.entries(debianPackages);
  return rows.filter(([, facts]) => facts.purposes.includes(purpose)).map(([name]) => name);
}

/** Why a package is needed, for the person who watches. */
export const reasonFor = (name: string): string | undefined =>
  (debianPackages as Record<string, PackageFacts>)[name]?.reason;

/** Those packages of a purpose that are not installed, by dpkg's own record. */
export const missingPackages = (purpose: Purpose): Promise<string[]> => missingOf(packagesFor(purpose));

async function missingOf(names: readonly string[]): Promise<string[]> {
  needApt();
  const installed = await installedVersions(names);
  return names.filter((name) => !installed.has(name));
}

/** The versions of those packages that are installed. */
export async function installedVersions(names: readonly string[]): Promise<Map<string, string>> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const format = '${Package} ${Version} ${db:Status-Status}\n';
  const { stdout } = await run(['dpkg-query', '--show', `--showformat=${format}`, ...names]);
  const rows = stdout.split('\n').map((line) => line.split(' '));
  return new Map(rows.flatMap(([name, version, status]) => (status === 'installed' ? [[name!, version!]] : [])));
}

/**
 * Installs the packages of a purpose that are missing.
 * @param say is told each package with its reason before anything is installed
 * @returns the names of the packages that were installed now
 * @throws {TestingError} `no-apt`, `not-root`, `install-failed`
 */
export const ensurePackages = (purpose: Purpose, say: (line: string) => void): Promise<string[]> =>
  ensureInstalled(packagesFor(purpose), say);

/** The same for packages by name. */
export async function ensureInstalled(names: readonly string[], say: (line: string) => void): Promise<string[]> {
  const missing = await missingOf(names);
  if (missing.length === 0) return missing;
  if (process.getuid?.() !== 0) {
    throw new TestingError('not-root', `not root, cannot install ${missing.join(', ')}: run this as root`);
  }
  for (const name of missing) say(`installing ${name}: ${reasonFor(name) ?? 'asked for by name'}`);
  if (!(await known(missing))) await aptUpdate();
  if ((await install(missing)).code !== 0) {
    // the lists may be older than the archive: packages that they name are gone
    await aptUpdate();
    const second = await install(missing);
    if (second.code !== 0) throw installFailed(missing, second);
  }
  return missing;
}

/** Options that make apt-get wait for another apt and never ask. */
export const aptOptions = ['-q', '-o', 'DPkg::Lock::Timeout=300'] as const;

/** apt's environment: no questions, messages in English. */
export const aptEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  DEBIAN_FRONTEND: 'noninteractive',
  LC_ALL: 'C',
});

/** Fetches the archive's package lists. @throws {TestingError} `not-root`, `download-failed` */
export async function aptUpdate(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new TestingError('not-root', 'not root, cannot fetch the package lists: run apt-get update as root');
  }
  const { code, stderr } = await run(['apt-get', ...aptOptions, 'update'], { env: aptEnvironment() });
  if (code !== 0)
    throw new TestingError('download-failed', `apt-get update failed, check the network: ${tail(stderr)}`);
}

/** @throws {TestingError} `no-apt` where there is no apt */
export function needApt(aptGet = '/usr/bin/apt-get'): void {
  if (!existsSync(aptGet)) {
    throw new TestingError(
      'no-apt',
      'no apt-get here: the real parts come from Debian 12 packages, run this on Debian 12',
    );
  }
}

async function known(names: readonly string[]): Promise<boolean> {
  const results = await Promise.all(names.map((name) => run(['apt-cache', 'show', '--no-all-versions', name])));
  return results.every(({ code, stdout }) => code === 0 && stdout.includes('\nFilename:'));
}

const install = (names: readonly string[]): Promise<CommandResult> =>
  run(['apt-get', ...aptOptions, 'install', '-y', '--no-install-recommends', ...names], { env: aptEnvironment() });

const installFailed = (names: readonly string[], { code, stdout, stderr }: CommandResult): TestingError =>
  new TestingError(
    'install-failed',
    `apt-get install ${names.join(' ')} failed (${code}), install them by hand and start again: ${tail(stderr || stdout)}`,
  );

const tail = (text: string): string => text.trim().split('\n').slice(-3).join('; ');
