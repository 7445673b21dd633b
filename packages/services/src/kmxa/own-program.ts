import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sea from 'node:sea';
import { hex } from '@vouchsafe/bytes/hex';
import { Problem } from '@vouchsafe/domain/problem';
import { decodeImaLog, type ImaEntry } from '@vouchsafe/eventlog/ima/log';

/** A program file. */
export interface ProgramFile {
  readonly path: string;
  readonly sha256: string;
}

/**
 * The agent's own program, under the path by which IMA knows it: in a changed root, or in a mount namespace, that is
 * another one than the agent's own.
 * @param imaLog path of the log; without it the agent's own path stands
 * @throws {Problem} `host.unsupported` when the agent is no single file
 */
export function ownProgram(imaLog: string): ProgramFile {
  if (!sea.isSea()) {
    throw new Problem(
      'host.unsupported',
      'the agent runs from a folder of sources, which no single digest names; install the single executable',
    );
  }
  const own = {
    path: process.execPath,
    sha256: createHash('sha256').update(readFileSync(process.execPath)).digest('hex'),
  };
  return { ...own, path: measuredPath(own, entriesOf(imaLog)) };
}

/** The path under which a program was measured; its own when it was not. */
export function measuredPath({ path, sha256 }: ProgramFile, entries: readonly ImaEntry[]): string {
  const names = entries
    .filter(({ fields, violation }) => !violation && fields.digest !== undefined && hex(fields.digest.value) === sha256)
    .map(({ fields }) => fields.name ?? '');
  return names.includes(path) ? path : (names.find((name) => name.endsWith(path)) ?? path);
}

function entriesOf(path: string): ImaEntry[] {
  try {
    return decodeImaLog(readFileSync(path));
  } catch {
    return [];
  }
}
