import { execFile } from 'node:child_process';
import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { names } from './names.ts';
import { stateDirectoryOnMemory, swapIsSafe, tpmDeviceAccess } from './runtime-checks.ts';
import { setting } from './settings.ts';

/** One line of the page that says whether a host can be attested and may hold keys. */
export interface CheckLine {
  readonly id: string;
  readonly what: string;
  /** `fail`: keys cannot or must not come here. `warn`: they can, but something that ought to hold does not. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do; empty when `ok`. */
  readonly advice: string;
}

export interface HostCheckOptions {
  readonly root?: string;
  /** Device through which the agent speaks to the TPM. */
  readonly tpm?: string;
  /** Users who may use the TPM besides root. */
  readonly allowed?: readonly string[];
  /** First line that a program prints, undefined when it is not installed. */
  readonly ask?: (program: string, argument: string) => Promise<string | undefined>;
}

interface Finding {
  readonly status: CheckLine['status'];
  readonly found: string;
}

interface Check {
  readonly id: string;
  readonly what: string;
  readonly advice: string;
  readonly look: (host: Required<HostCheckOptions>) => Promise<Finding>;
}

const ok = (found: string): Finding => ({ status: 'ok', found });
const warn = (found: string): Finding => ({ status: 'warn', found });
const fail = (found: string): Finding => ({ status: 'fail', found });

/** In the order in which a host comes up. */
const checks: readonly Check[] = [
  {
    id: 'tpm',
    what: 'TPM 2.0',
    advice: 'switch the TPM on in the firmware setup; a guest needs a vTPM',
    look: async ({ root, tpm }) => ((await exists(join(root, tpm))) ? ok(tpm) : fail(`${tpm} is missing`)),
  },
  {
    id: 'tpm.access',
    what: 'who may use the TPM',
    advice: 'run `vouchsafe host setup`, then take the named users out of the group',
    look: tpmAccess,
  },
  {
    id: 'pcr.sha256',
    what: 'PCR bank of SHA-256',
    advice: 'enable the SHA-256 bank in the firmware setup',
    look: async ({ root }) =>
      (await exists(join(root, '/sys/class/tpm/tpm0/pcr-sha256/0'))) ? ok('active') : fail('not active'),
  },
  {
    id: 'eventlog',
    what: 'event log of the firmware',
    advice: 'boot through UEFI, and mount securityfs on /sys/kernel/security',
    look: ({ root }) => log(join(root, '/sys/kernel/security/tpm0/binary_bios_measurements'), fail),
  },
  {
    id: 'ima',
    what: 'log of the programs that ran (IMA)',
    advice: 'add ima_policy=tcb to the kernel command line, else a base image covers the boot only',
    look: ({ root }) => log(join(root, '/sys/kernel/security/ima/binary_runtime_measurements'), warn),
  },
  {
    id: 'secure-boot',
    what: 'Secure Boot',
    advice: 'switch Secure Boot on in the firmware setup',
    look: secureBoot,
  },
  {
    id: 'libvirt',
    what: 'libvirt 6.5 or newer',
    advice: 'install libvirt-daemon-system',
    look: ({ ask }) => version(ask, 'libvirtd', [6, 5]),
  },
  {
    id: 'qemu',
    what: 'QEMU 7.0 or newer',
    advice: 'install qemu-system-x86',
    look: ({ ask }) => version(ask, 'qemu-system-x86_64', [7, 0]),
  },
  {
    id: 'hook',
    what: 'libvirt hook',
    advice: 'run `vouchsafe host setup`',
    look: async ({ root }) => ((await exists(join(root, names.hook))) ? ok(names.hook) : fail('not installed')),
  },
  {
    id: 'state-directory',
    what: 'runtime state of guests in memory',
    advice: 'run `vouchsafe host setup` while no guest runs',
    look: async ({ root }) => {
      const onMemory = await stateDirectoryOnMemory(join(root, names.stateDirectory)).catch(() => undefined);
      if (onMemory === undefined) return fail(`${names.stateDirectory} is missing`);
      return onMemory ? ok('tmpfs') : fail('on disk: keys of running guests outlive a power loss');
    },
  },
  {
    id: 'swap',
    what: 'swap off or under a key made at boot',
    advice: 'switch swap off, or put it on dm-crypt with a random key (crypttab option `swap`)',
    look: async ({ root }) => {
      const { safe, unsafe } = await swapIsSafe(root);
      return safe ? ok('safe') : fail(`readable from disk: ${unsafe.join(', ')}`);
    },
  },
  {
    id: 'swtpm',
    what: 'user of the TPM emulators of guests',
    advice: 'run `vouchsafe host setup` and restart libvirtd',
    look: async ({ root }) => {
      const text = await readFile(join(root, names.qemuConf), 'utf8').catch(() => '');
      const user = setting(text, 'swtpm_user') ?? 'tss';
      return user === names.swtpmUser ? ok(user) : fail(`${user}, which may use the TPM of the host`);
    },
  },
];

/** Whether this host can be attested and may hold keys, line by line. Changes nothing, and never throws. */
export async function hostCheck(options: HostCheckOptions = {}): Promise<CheckLine[]> {
  const host = { root: '/', tpm: '/dev/tpmrm0', allowed: [], ask: askProgram, ...options };
  return Promise.all(checks.map((check) => line(check, host)));
}

async function line({ id, what, advice, look }: Check, host: Required<HostCheckOptions>): Promise<CheckLine> {
  const { status, found } = await look(host).catch((error: Error) => fail(`cannot be checked: ${error.message}`));
  return { id, what, status, found, advice: status === 'ok' ? '' : advice };
}

async function tpmAccess({ root, tpm, allowed }: Required<HostCheckOptions>): Promise<Finding> {
  if (!(await exists(join(root, tpm)))) return fail(`${tpm} is missing`);
  const { owner, mode, problems } = await tpmDeviceAccess(join(root, tpm), allowed, root);
  return problems.length === 0 ? ok(`${owner}, mode ${mode.toString(8)}`) : fail(problems.join('; '));
}

async function log(path: string, otherwise: (found: string) => Finding): Promise<Finding> {
  const readable = await access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
  return readable ? ok('readable') : otherwise((await exists(path)) ? 'not readable by this user' : 'missing');
}

/** UEFI specification, 3.3: variable SecureBoot; efivarfs puts four bytes of attributes in front of the value. */
async function secureBoot({ root }: Required<HostCheckOptions>): Promise<Finding> {
  const folder = join(root, '/sys/firmware/efi/efivars');
  const found = (await readdir(folder).catch(() => [])).find((name) => name.startsWith('SecureBoot-'));
  if (found === undefined) return warn('no UEFI variables');
  const value = await readFile(join(folder, found));
  return value[4] === 1 ? ok('on') : warn('off');
}

async function version(
  ask: Required<HostCheckOptions>['ask'],
  program: string,
  least: readonly [number, number],
): Promise<Finding> {
  const said = await ask(program, '--version');
  if (said === undefined) return fail('not installed');
  const [, major = '0', minor = '0', rest = ''] = said.match(/(\d+)\.(\d+)([.\d]*)/) ?? [];
  const enough = Number(major) > least[0] || (Number(major) === least[0] && Number(minor) >= least[1]);
  return enough ? ok(`${major}.${minor}${rest}`) : fail(`${major}.${minor}${rest} is too old`);
}

async function askProgram(program: string, argument: string): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(program, [argument])).stdout.split('\n')[0];
  } catch {
    return undefined;
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
