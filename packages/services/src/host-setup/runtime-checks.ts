import { readFile, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { names } from './names.ts';

/** statfs(2) f_type of file systems that live in memory only: tmpfs and ramfs (linux/magic.h). */
const memoryMagic: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Whether the folder is on a file system in memory, so that what libvirt writes there ends with the power. */
export async function stateDirectoryOnMemory(path: string = names.stateDirectory): Promise<boolean> {
  return memoryMagic.has((await statfs(path)).type >>> 0);
}

export interface SwapState {
  /** Whether memory that is swapped out cannot be read from a stolen disk. */
  readonly safe: boolean;
  /** Active swap areas that are neither in memory (zram) nor under a key made at boot (dm-crypt in plain mode). */
  readonly unsafe: readonly string[];
}

/** Looks at the active swap areas, /proc/swaps. @param root root directory of the host */
export async function swapIsSafe(root = '/'): Promise<SwapState> {
  const lines = (await readFile(join(root, '/proc/swaps'), 'utf8')).split('\n').slice(1);
  const areas = lines.map((line) => line.split(/\s+/)[0]!).filter((area) => area !== '');
  const judged = await Promise.all(areas.map(async (area) => ((await isSafe(root, area)) ? [] : [area])));
  return { safe: judged.flat().length === 0, unsafe: judged.flat() };
}

async function isSafe(root: string, area: string): Promise<boolean> {
  if (/^\/dev\/zram\d+$/.test(area)) return (await backing(root, basename(area))) === 'none';
  if (!/^\/dev\/dm-\d+$/.test(area)) return false;
  const uuid = await readFile(join(root, '/sys/class/block', basename(area), 'dm/uuid'), 'utf8').catch(() => '');
  return uuid.startsWith('CRYPT-PLAIN-');
}

/** zram may write pages back to a disk. */
async function backing(root: string, device: string): Promise<string> {
  return (await readFile(join(root, '/sys/class/block', device, 'backing_dev'), 'utf8').catch(() => 'none')).trim();
}

export interface TpmAccess {
  /** `user:group`, numbers where there is no name. */
  readonly owner: string;
  /** Permission bits. */
  readonly mode: number;
  /** Users that may use the device through its group. */
  readonly members: readonly string[];
  /** What is wrong, in words; empty when only root and the members wanted have access. */
  readonly problems: readonly string[];
}

/**
 * Who may use the host's TPM. Whoever may can speak for this host, so nobody who serves guests may be among them.
 * @param allowed users who may besides root
 * @param root root directory of the host whose users count
 */
export async function tpmDeviceAccess(path: string, allowed: readonly string[] = [], root = '/'): Promise<TpmAccess> {
  const device = await stat(path);
  const users = await table(join(root, '/etc/passwd'));
  const groups = await table(join(root, '/etc/group'));
  const user = users.find(({ fields }) => fields[2] === String(device.uid))?.name ?? String(device.uid);
  const group = groups.find(({ fields }) => fields[2] === String(device.gid));
  const primary = users.filter(({ fields }) => fields[3] === String(device.gid)).map(({ name }) => name);
  const listed = group?.fields[3]?.split(',').filter((name) => name !== '') ?? [];
  const mode = device.mode & 0o777;
  const members = mode & 0o060 ? [...new Set([...primary, ...listed])].filter((name) => name !== 'root') : [];
  const may = (name: string) => name === 'root' || allowed.includes(name);
  const problems = [
    ...(may(user) ? [] : [`${path} belongs to ${user}`]),
    ...(mode & 0o007 ? [`${path} is open to every user (mode ${mode.toString(8)})`] : []),
    ...members
      .filter((name) => !may(name))
      .map((name) => `${name} is in group ${group?.name ?? device.gid} of ${path}`),
  ];
  return { owner: `${user}:${group?.name ?? device.gid}`, mode, members, problems };
}

/** Lines of passwd(5) or group(5). */
async function table(path: string): Promise<{ readonly name: string; readonly fields: readonly string[] }[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.includes(':'));
  return lines.map((line) => ({ name: line.split(':')[0]!, fields: line.split(':') }));
}
