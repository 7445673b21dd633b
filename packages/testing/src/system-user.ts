import { must, run } from './command.ts';
import { TestingError } from './error.ts';

/** The system users and groups that keep the TPMs of guests and the TPM of the host apart. */
export const separation = {
  /** Runs the swtpm processes of guests; not a member of {@link separation.tpmGroup}. */
  swtpmUser: 'vouchsafe-swtpm',
  /** May use the host's own TPM. */
  tpmGroup: 'vouchsafe-tpm',
} as const;

/** Makes the users and groups of {@link separation} where they are absent. Needs root. */
export async function ensureSeparation(): Promise<void> {
  await systemGroup(separation.tpmGroup);
  await systemUser(separation.swtpmUser);
}

/** A system group, made when absent. @returns its number */
export async function systemGroup(name: string): Promise<number> {
  return (await lookUp('group', name)) ?? made('group', name, ['groupadd', '--system', name]);
}

/** A system user with a group of the same name and no login, made when absent. @returns its number */
export async function systemUser(name: string): Promise<number> {
  const argv = [
    'useradd',
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    name,
  ] as const;
  return (await lookUp('passwd', name)) ?? made('passwd', name, argv);
}

async function made(database: 'passwd' | 'group', name: string, argv: readonly [string, ...string[]]): Promise<number> {
  const { code, stderr } = await run(argv);
  const id = await lookUp(database, name);
  // two processes may make it at once: what counts is that it is there
  if (id === undefined)
    throw new TestingError('command-failed', `${argv[0]} ${name}: exit status ${code}: ${stderr.trim()}`);
  return id;
}

/** Number of a user or group that has to be there. */
export async function idOf(database: 'passwd' | 'group', name: string): Promise<number> {
  return Number((await must(['getent', database, name])).split(':')[2]);
}

async function lookUp(database: 'passwd' | 'group', name: string): Promise<number | undefined> {
  const { code, stdout } = await run(['getent', database, name]);
  return code === 0 ? Number(stdout.split(':')[2]) : undefined;
}
