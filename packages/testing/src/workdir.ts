import { readFileSync, rmSync, statfsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAllDaemons } from './daemon.ts';

const prefix = 'vouchsafe-';
const ownerFile = '.owner';
const open = new Set<string>();

process.once('exit', () => {
  // what still runs would write into folders that are being removed
  killAllDaemons();
  for (const path of open) rmSync(path, { recursive: true, force: true });
});

/** f_type of tmpfs, statfs(2). */
export const tmpfsType = 0x01021994;

/** Where temporary folders are made: on a disk, since what hosts keep there must outlive their power. */
export const workRoot = (): string => (statfsSync(tmpdir()).type === tmpfsType ? '/var/tmp' : tmpdir());

/** A temporary folder that is removed when disposed of and at the latest when this process ends. */
export class Workdir implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes a folder that every user may pass through (guests run as a user of their own) and only we may list.
   * @param name a short word: paths of Unix sockets end after 107 bytes
   */
  static async create(name: string): Promise<Workdir> {
    const path = await mkdtemp(join(workRoot(), `${prefix}${name}-`));
    open.add(path);
    await writeFile(join(path, ownerFile), `${process.pid} ${startTime(process.pid)}\n`);
    await chmod(path, 0o711);
    return new Workdir(path);
  }

  /** A path inside. */
  file(...names: string[]): string {
    return join(this.path, ...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    open.delete(this.path);
  }
}

/**
 * Removes the folders of runs that were killed. Their processes are gone already: the kernel ends every program and
 * every namespace of a run together with the run.
 * @returns the paths that were removed
 */
export async function sweepWorkdirs(root = workRoot()): Promise<string[]> {
  const names = (await readdir(root)).filter((name) => name.startsWith(prefix));
  const left = names.map((name) => join(root, name)).filter(isOrphan);
  for (const path of left) await rm(path, { recursive: true, force: true });
  return left;
}

function isOrphan(path: string): boolean {
  let owner: string;
  try {
    owner = readFileSync(join(path, ownerFile), 'utf8');
  } catch {
    return false;
  }
  const [pid, started] = owner.trim().split(' ');
  return startTime(Number(pid)) !== started;
}

/** When a process began, in clock ticks since boot: tells a process from a later one of the same number. proc(5) */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
  } catch {
    return 'ended';
  }
}
