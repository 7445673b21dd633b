import { hex } from '@vouchsafe/bytes/hex';
import type { ImaEntry } from '@vouchsafe/eventlog/ima/log';
import { type Glob, globMatches } from '../../glob.ts';
import { type ChecksumLine, hashOfDigits } from './checksum-lines.ts';
import { hasDigestAndName } from './judge.ts';
import { isPlainPath } from './plain-path.ts';

/** What a log gives for a list, and what it cannot give. */
export interface ListOfLog {
  readonly lines: readonly ChecksumLine[];
  /** Paths with several contents: they changed while the host ran, so a list of them will not hold for long. */
  readonly changing: readonly string[];
  /** Entries that no list can name: violations, weak hashes, buffers, names that are no paths. */
  readonly left: number;
}

/** The files of an IMA log, as a golden host has them; those that an exclude matches are left out. */
export function listOfLog(entries: Iterable<ImaEntry>, excludes: readonly Glob[] = []): ListOfLog {
  const found = new Map<string, Set<string>>();
  let left = 0;
  for (const entry of entries) {
    const line = lineOf(entry);
    if (line === undefined) left += entry.fields.name === 'boot_aggregate' ? 0 : 1;
    else if (!excludes.some((glob) => globMatches(glob, line.path))) {
      found.set(line.path, (found.get(line.path) ?? new Set()).add(line.digest));
    }
  }
  const lines = [...found].flatMap(([path, digests]) => [...digests].map((digest) => ({ path, digest })));
  const changing = [...found].filter(([, digests]) => digests.size > 1).map(([path]) => path);
  return { lines, changing, left };
}

function lineOf(entry: ImaEntry): ChecksumLine | undefined {
  const { digest, name } = entry.fields;
  if (entry.violation || !hasDigestAndName(entry) || digest === undefined || name === undefined) return undefined;
  const text = hex(digest.value);
  const strong = hashOfDigits(text.length) === digest.algorithm && digest.kind !== 'verity';
  return strong && isPlainPath(name) && !/^0+$/.test(text) ? { path: name, digest: text } : undefined;
}
