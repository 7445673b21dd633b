import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { ChecksumLine } from '@vouchsafe/domain/attestation/ima/checksum-lines';
import { isPlainPath } from '@vouchsafe/domain/attestation/ima/plain-path';
import { Problem } from '@vouchsafe/domain/problem';
import { readTar } from './tar.ts';

/** What a package gives for a list. */
export interface PackageFiles {
  readonly lines: readonly ChecksumLine[];
  /** Files whose name no list can hold. */
  readonly left: number;
}

/**
 * The files of a Debian package with their contents.
 * @param file the package, whose hash was verified before
 * @throws {Problem} `input.malformed`, `file.unreadable` when dpkg-deb is not there
 */
export async function filesOfPackage(file: string): Promise<PackageFiles> {
  const child = spawn('dpkg-deb', ['--fsys-tarfile', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = endOf(child, file);
  // Whoever reads the archive may fail first: then this is not looked at.
  ended.catch(() => undefined);
  try {
    const files = await filesOfTar(child.stdout);
    await ended;
    return files;
  } finally {
    child.kill('SIGKILL');
  }
}

function endOf(child: ReturnType<typeof spawn>, file: string): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(0, 2000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new Problem('file.unreadable', `dpkg-deb: ${cause.message}`, { cause })));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Problem('input.malformed', `${file}: dpkg-deb: ${said.trim() || `left with ${code}`}`));
    });
  });
}

/** The files of an archive with their contents. @throws {Problem} `input.malformed` */
export async function filesOfTar(source: AsyncIterable<Uint8Array>): Promise<PackageFiles> {
  const digests = new Map<string, string>();
  const links: [path: string, target: string][] = [];
  await readTar(source, ({ path, kind, target }) => {
    if (kind === 'hardlink') links.push([path, target]);
    if (kind !== 'file') return undefined;
    const hash = createHash('sha256');
    return { take: (piece) => void hash.update(piece), end: () => void digests.set(path, hash.digest('hex')) };
  });
  for (const [path, target] of links) {
    const digest = digests.get(target);
    if (digest === undefined)
      throw new Problem('input.malformed', `tar: ${path} is a link to ${target}, which is not there`);
    digests.set(path, digest);
  }
  const named = [...digests].map(([path, digest]) => ({ path: path.replace(/^\.?\/*/, '/'), digest }));
  const lines = named.filter(({ path }) => isPlainPath(path));
  return { lines: lines.flatMap((line) => [line, ...merged(line)]), left: named.length - lines.length };
}

/** Folders that are links into /usr where it is merged (Debian since 12; file-hierarchy(7)): the kernel logs where they lead. */
const movable = /^\/(?:bin|sbin|lib|lib32|lib64|libx32)\//;

const merged = (line: ChecksumLine): ChecksumLine[] =>
  movable.test(line.path) ? [{ ...line, path: `/usr${line.path}` }] : [];
