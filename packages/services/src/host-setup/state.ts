import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { names } from './names.ts';

/** What is on the host now, as far as host preparation is concerned. Absent files are undefined. */
export interface HostState {
  readonly systemd: boolean;
  readonly libvirt: boolean;
  /** Content of every file that a plan may write, by path. */
  readonly files: Readonly<Record<string, string | undefined>>;
  readonly hookMode: number | undefined;
  readonly users: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  /** Owner as `user:group` (numbers where there is no name) of every folder that a plan may give away. */
  readonly owners: Readonly<Record<string, string | undefined>>;
  /** The state directory of guests: numbers for mount options. */
  readonly stateDirectory: { readonly uid: number; readonly gid: number; readonly mode: number } | undefined;
  /** Names of domains that run: libvirt keeps their status in a file each. */
  readonly guests: readonly string[];
  /** Folders of guests in the state directory; of guests that run, or left over from a power loss with their keys. */
  readonly guestFolders: readonly string[];
  /** Mount points with the type of what is mounted there, the uppermost one. */
  readonly mounts: ReadonlyMap<string, string>;
}

/** Reads the state of the host whose root directory is `root`, and the files in `paths` besides. */
export async function readHostState(root: string, paths: readonly string[]): Promise<HostState> {
  const read = (path: string) => readFile(join(root, path), 'utf8').catch(absent);
  const [passwd, group, mounts] = await Promise.all(['/etc/passwd', '/etc/group', '/proc/self/mounts'].map(read));
  const users = numbered(passwd ?? '');
  const groups = numbered(group ?? '');
  const owner = async (path: string) => {
    const found = await stat(join(root, path)).catch(absent);
    return found && `${users.get(found.uid) ?? found.uid}:${groups.get(found.gid) ?? found.gid}`;
  };
  const directory = await stat(join(root, names.stateDirectory)).catch(absent);
  const running = await readdir(join(root, '/run/libvirt/qemu')).catch(() => []);
  const entries = await readdir(join(root, names.stateDirectory)).catch(() => []);
  return {
    systemd: (await stat(join(root, '/run/systemd/system')).catch(absent)) !== undefined,
    libvirt: (await stat(join(root, '/etc/libvirt')).catch(absent)) !== undefined,
    files: Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await read(path)] as const))),
    hookMode: ((await stat(join(root, names.hook)).catch(absent))?.mode ?? Number.NaN) & 0o777 || undefined,
    users: new Set(users.values()),
    groups: new Set(groups.values()),
    owners: Object.fromEntries(
      await Promise.all((await swtpmFolders(root)).map(async (path) => [path, await owner(path)] as const)),
    ),
    stateDirectory: directory && { uid: directory.uid, gid: directory.gid, mode: directory.mode & 0o7777 },
    guests: running.flatMap((file) => file.match(/^(.+)\.xml$/)?.[1] ?? []),
    guestFolders: entries.filter((entry) => /^domain-\d+-/.test(entry)),
    mounts: new Map(
      (mounts ?? '')
        .split('\n')
        .map((line) => line.split(' '))
        .map(([, at, type]) => [at ?? '', type ?? '']),
    ),
  };
}

/** Folders that the user of the TPM emulators has to own. */
async function swtpmFolders(root: string): Promise<string[]> {
  const guests = await readdir(join(root, names.tpmStates)).catch(() => []);
  const states = guests.map(async (guest) =>
    (await readdir(join(root, names.tpmStates, guest)).catch(() => [])).map(
      (kind) => `${names.tpmStates}/${guest}/${kind}`,
    ),
  );
  return [names.localCa, ...(await Promise.all(states)).flat()];
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
    return undefined;
  throw error;
}

/** Names by number, of the lines of passwd(5) or group(5). */
const numbered = (text: string): Map<number, string> =>
  new Map(
    text
      .split('\n')
      .map((line) => line.split(':'))
      .filter((fields) => fields.length > 2)
      .map(([name, , id]) => [Number(id), name!]),
  );
