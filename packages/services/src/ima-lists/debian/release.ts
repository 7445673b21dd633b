import { Problem } from '@vouchsafe/domain/problem';
import { paragraphs } from './paragraphs.ts';

/** A file of a suite as its Release file vouches for it. */
export interface VouchedFile {
  readonly sha256: string;
  readonly size: number;
}

/** What a Release file says (Debian repository format, "Release files"). */
export interface Release {
  readonly suite: string | undefined;
  readonly codename: string | undefined;
  readonly date: string;
  readonly components: readonly string[];
  readonly byHash: boolean;
  /** By path below the suite. */
  readonly files: ReadonlyMap<string, VouchedFile>;
}

/** Largest index that is read at all; all of Debian has 70 MB. */
const maxIndex = 1024 * 1024 * 1024;

/**
 * Reads a Release file whose signature was verified before.
 * @param suite the one that was asked for: another one's Release file may be as well signed
 * @throws {Problem} `input.malformed`, or `archive.untrusted` when it is of another suite or its time is over
 */
export function readRelease(text: string, suite: string, now: Date): Release {
  const [fields] = paragraphs('Release', text);
  const field = (name: string) => fields?.get(name);
  const date = field('date');
  if (date === undefined) throw new Problem('input.malformed', 'Release: expected a field Date');
  const [own, codename] = [field('suite'), field('codename')];
  if (suite !== own && suite !== codename) {
    throw new Problem('archive.untrusted', `Release: it is of ${own ?? codename}, expected ${suite}`);
  }
  refuseOver(field('valid-until'), now);
  return {
    suite: own,
    codename,
    date,
    components: (field('components') ?? '').split(/\s+/).filter((name) => name !== ''),
    byHash: field('acquire-by-hash') === 'yes',
    files: filesOf(field('sha256') ?? ''),
  };
}

function refuseOver(until: string | undefined, now: Date): void {
  if (until === undefined) return;
  const end = Date.parse(until);
  if (!(end > now.getTime())) throw new Problem('archive.untrusted', `Release: it counts until ${until} only`);
}

function filesOf(text: string): Map<string, VouchedFile> {
  const files = new Map<string, VouchedFile>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, sha256, size, path] = /^([0-9a-f]{64})\s+(\d{1,12})\s+(\S+)$/.exec(line) ?? [];
    if (path === undefined) throw new Problem('input.malformed', `Release: SHA256: ${line.slice(0, 100)}`);
    if (Number(size) <= maxIndex) files.set(path, { sha256: sha256!, size: Number(size) });
  }
  return files;
}
