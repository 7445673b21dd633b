import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { aptUpdate } from './debian.ts';
import { inCache, unpacked } from './debian-unpacked.ts';
import { TestingError } from './error.ts';

/** A kernel of Debian, unpacked. */
export interface Kernel {
  /** As in `uname -r`, for instance `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  /** Path of the compressed kernel image. */
  readonly image: string;
  /** Contents of a module by its path below `kernel/`, without `.ko`. @throws {TestingError} `no-kernel` */
  module(path: string): Promise<Uint8Array>;
}

const meta = 'linux-image-cloud-amd64';

/**
 * Names of kernel packages, best first: those that the versions of `linux-image-cloud-amd64` in the archive depend on
 * (the security archive and the main archive carry one each), then every other signed one of the same line.
 */
export async function kernelPackages(): Promise<string[]> {
  const wanted = (await dependencies()) ?? (await aptUpdate().then(dependencies)) ?? [];
  const line = /^linux-image-\d+\.\d+/.exec(wanted[0] ?? '')?.[0];
  if (line === undefined) throw new TestingError('no-kernel', `the Debian archive has no ${meta}`);
  const { stdout } = await run(['apt-cache', 'pkgnames', `${line}.`]);
  const others = stdout.split('\n').filter((name) => /-\d+-cloud-amd64$/.test(name));
  const newestFirst = others.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return [...new Set([...wanted, ...newestFirst])];
}

async function dependencies(): Promise<string[] | undefined> {
  const { stdout } = await run(['apt-cache', 'show', meta]);
  const names = [...stdout.matchAll(/^Depends:.*?(linux-image-[\w.+-]+-cloud-amd64)/gm)].map((match) => match[1]!);
  return names.length > 0 ? names : undefined;
}

/** The kernel of one package. */
export async function kernel(name: string, say?: (line: string) => void): Promise<Kernel> {
  const root = await unpacked(name, say);
  const release = name.replace('linux-image-', '');
  const image = join(root, 'boot', `vmlinuz-${release}`);
  if (!existsSync(image)) throw new TestingError('no-kernel', `package ${name} holds no boot/vmlinuz-${release}`);
  return { release, image, module: (path) => readFile(join(root, 'lib/modules', release, 'kernel', `${path}.ko`)) };
}

/** Two kernels of different version, the newer first. @throws {TestingError} `no-kernel` */
export async function twoKernels(say?: (line: string) => void): Promise<[Kernel, Kernel]> {
  const [first, second] = await kernelPackages();
  if (first === undefined || second === undefined) {
    throw new TestingError('no-kernel', `the Debian archive has only ${first ?? 'no kernel'}, two are needed`);
  }
  return [await kernel(first, say), await kernel(second, say)];
}

/** The kernel for guests: the newest in the cache, else the newest of the archive. */
export async function guestKernel(say?: (line: string) => void): Promise<Kernel> {
  const there = (await inCache()).findLast(({ name }) => name.startsWith('linux-image-'));
  return kernel(there?.name ?? (await kernelPackages())[0]!, say);
}
