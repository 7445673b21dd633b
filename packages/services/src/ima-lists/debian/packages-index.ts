import { Problem } from '@vouchsafe/domain/problem';
import { paragraphs } from './paragraphs.ts';
import type { VouchedFile } from './release.ts';
import type { WantedPackage } from './wanted.ts';

/** A package of an archive. */
export interface ArchivePackage extends VouchedFile {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Path below the archive. */
  readonly path: string;
}

/**
 * The packages of an index (Debian repository format, "Packages Indices") whose names are wanted.
 * @throws {Problem} `input.malformed` naming the package
 */
export function* packagesIn(what: string, text: string, names: ReadonlySet<string>): Generator<ArchivePackage> {
  for (const fields of paragraphs(what, text)) {
    const name = fields.get('package') ?? '';
    if (!names.has(name)) continue;
    const [path, sha256, size] = [fields.get('filename'), fields.get('sha256'), Number(fields.get('size'))];
    if (path === undefined || !/^[0-9a-f]{64}$/.test(sha256 ?? '') || !Number.isSafeInteger(size)) {
      throw new Problem('input.malformed', `${what}: package ${name}: expected Filename, Size and SHA256`);
    }
    const [version, architecture] = [fields.get('version') ?? '', fields.get('architecture') ?? ''];
    yield { name, version, architecture, path, sha256: sha256!, size };
  }
}

/** What of the archive was wanted, each file once, and what it does not have. */
export function choose(
  wanted: readonly WantedPackage[],
  archive: readonly ArchivePackage[],
  architecture: string,
): { readonly found: readonly ArchivePackage[]; readonly missing: readonly WantedPackage[] } {
  const byName = Map.groupBy(archive, ({ name }) => name);
  const found = new Map<string, ArchivePackage>();
  const missing: WantedPackage[] = [];
  for (const want of wanted) {
    const fits = (byName.get(want.name) ?? []).filter((each) => isWanted(want, each, architecture));
    if (fits.length === 0) missing.push(want);
    for (const each of fits) found.set(each.sha256, each);
  }
  return { found: [...found.values()], missing };
}

const isWanted = (want: WantedPackage, has: ArchivePackage, architecture: string): boolean =>
  (want.version === undefined || want.version === has.version) &&
  [want.architecture ?? architecture, 'all'].includes(has.architecture);
