import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChecksumLine } from '@vouchsafe/domain/attestation/ima/checksum-lines';
import { isPlainPath } from '@vouchsafe/domain/attestation/ima/plain-path';
import { type Glob, globMatches } from '@vouchsafe/domain/glob';
import { Problem } from '@vouchsafe/domain/problem';

/** What a folder gives for a list. */
export interface ListOfFiles {
  readonly lines: readonly ChecksumLine[];
  /** Files whose name no list can hold. */
  readonly left: number;
}

/**
 * The regular files below a folder, which stands for `/`. Links are not followed: the kernel logs where they lead.
 * @param progress told the number of files after each
 * @throws {Problem} `file.unreadable`
 */
export async function listOfFiles(
  root: string,
  excludes: readonly Glob[],
  progress: (files: number) => void,
): Promise<ListOfFiles> {
  const lines: ChecksumLine[] = [];
  let left = 0;
  try {
    for await (const path of filesBelow(root, '')) {
      if (!isPlainPath(path)) left++;
      else if (!excludes.some((glob) => globMatches(glob, path))) {
        lines.push({ path, digest: await digestOfFile(join(root, path)) });
        progress(lines.length);
      }
    }
  } catch (cause) {
    throw new Problem('file.unreadable', `${root}: ${(cause as Error).message}`, { cause });
  }
  return { lines, left };
}

async function* filesBelow(root: string, folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, path);
    else if (entry.isFile()) yield path;
  }
}

/** SHA-256 of a file, in hexadecimal. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest('hex');
}
