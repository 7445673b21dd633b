import { createHash } from 'node:crypto';
import Type from 'typebox';
import { Problem } from '../../problem.ts';
import { type ChecksumLine, maxListBytes, readChecksums, writeChecksums } from './checksum-lines.ts';

export const ImaListName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' });

/** A named list of files and the contents that they may have. Images name the lists that hold for them. */
export const ImaList = Type.Object(
  {
    v: Type.Literal(1),
    name: ImaListName,
    /** Where it came from, for people: a log, a folder, packages of an archive. */
    source: Type.String({ maxLength: 256 }),
    /** ISO 8601. */
    created: Type.String({ maxLength: 32 }),
    /** Lines of sha256sum(1), sorted. */
    entries: Type.String({ maxLength: maxListBytes }),
  },
  { additionalProperties: false },
);
export type ImaList = Type.Static<typeof ImaList>;

/** @throws {Problem} `input.invalid` when there is nothing in it */
export function makeList(about: Pick<ImaList, 'name' | 'source' | 'created'>, lines: Iterable<ChecksumLine>): ImaList {
  const entries = writeChecksums(lines);
  if (entries === '') throw new Problem('input.invalid', `IMA list ${about.name}: no files; expected at least one`);
  if (entries.length > maxListBytes) {
    throw new Problem(
      'input.too-large',
      `IMA list ${about.name}: ${entries.length} bytes, limit ${maxListBytes}; split it`,
    );
  }
  return { v: 1, name: about.name, source: about.source, created: about.created, entries };
}

/** The list as a file: comments say what it is, `sha256sum -c` reads it too. */
export const listFile = ({ name, source, created, entries }: ImaList): string =>
  `# name: ${name}\n# source: ${source}\n# created: ${created}\n${entries}`;

/**
 * A list from its file, or from any output of sha256sum(1).
 * @param name in place of the one in the file
 * @throws {Problem} `input.malformed` naming the line, `input.invalid` when it has no name or no files
 */
export function readListFile(what: string, text: string, now: Date, name?: string): ImaList {
  const { about, lines } = readChecksums(what, text);
  const given = name ?? about.get('name');
  if (given === undefined) throw new Problem('input.invalid', `${what}: it has no line "# name: NAME"; give --name`);
  const created = about.get('created')?.slice(0, 32) ?? now.toISOString();
  return makeList({ name: given, source: about.get('source') ?? 'a list of checksums', created }, lines);
}

/** SHA-256 of the lines, in hexadecimal: equal for lists that allow the same. */
export const listDigest = ({ entries }: Pick<ImaList, 'entries'>): string =>
  createHash('sha256').update(entries).digest('hex');
