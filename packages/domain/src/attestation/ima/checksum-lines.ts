import { Problem } from '../../problem.ts';
import { isPlainPath } from './plain-path.ts';

/** Hashes that a list may name, by digits of their digest. SHA-1 is none: two files may have one digest. */
export const listedHashes = { 64: 'sha256', 96: 'sha384', 128: 'sha512' } as const satisfies Record<number, string>;
export type ListedHash = (typeof listedHashes)[keyof typeof listedHashes];

/** The hash of a digest of so many hexadecimal digits. */
export const hashOfDigits = (digits: number): ListedHash | undefined =>
  Object.hasOwn(listedHashes, digits) ? listedHashes[digits as keyof typeof listedHashes] : undefined;

/** One line: a file may have a content. */
export interface ChecksumLine {
  readonly path: string;
  /** Hexadecimal, lower case; its length tells the hash. */
  readonly digest: string;
}

/** What a list of checksums says of itself in lines `# name: value`, which sha256sum(1) skips. */
export interface ChecksumFile {
  readonly about: ReadonlyMap<string, string>;
  readonly lines: readonly ChecksumLine[];
}

/** Longest list in bytes: some 200,000 files. */
export const maxListBytes = 24 * 1024 * 1024;
/** PATH_MAX. */
export const maxPathBytes = 4096;
const form = /^(\\?)([0-9a-fA-F]+) [ *](.+)$/su;

/**
 * Reads lines as sha256sum(1), sha384sum(1) and sha512sum(1) write them: digest, two blanks, path; a line that begins
 * with a backslash has `\\`, `\n` and `\r` in its path (GNU coreutils, "md5sum invocation").
 * @throws {Problem} `input.malformed` naming the line
 */
export function readChecksums(what: string, text: string): ChecksumFile {
  if (text.length > maxListBytes) {
    throw new Problem('input.too-large', `${what}: ${text.length} characters, limit ${maxListBytes}`);
  }
  const about = new Map<string, string>();
  const lines: ChecksumLine[] = [];
  let number = 0;
  for (const line of linesOf(text)) {
    number++;
    if (line === '') continue;
    if (line.startsWith('#')) {
      const [, name, value] = /^# ([a-z]{1,32}): (.{0,256})$/u.exec(line) ?? [];
      if (name !== undefined) about.set(name, value!);
    } else lines.push(readLine(line, (reason) => malformed(what, number, reason)));
  }
  return { about, lines };
}

function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    yield text.slice(at, end < 0 ? text.length : end);
    at = end < 0 ? text.length : end + 1;
  }
}

const malformed = (what: string, line: number, reason: string) =>
  new Problem('input.malformed', `${what}: line ${line}: ${reason}`);

function readLine(line: string, bad: (reason: string) => Problem): ChecksumLine {
  const [, escaped, digits, rest] = form.exec(line) ?? [];
  if (digits === undefined || rest === undefined)
    throw bad('expected DIGEST, two blanks, PATH, as sha256sum writes it');
  if (hashOfDigits(digits.length) === undefined) {
    throw bad(`a digest of ${digits.length} digits, expected 64 (SHA-256), 96 (SHA-384) or 128 (SHA-512)`);
  }
  const path = escaped === '' ? rest : unescaped(rest);
  if (path === undefined) throw bad('expected \\\\, \\n or \\r behind a backslash');
  if (!isPlainPath(path)) throw bad('expected an absolute path without control characters and . or .. in it');
  if (Buffer.byteLength(path) > maxPathBytes) throw bad(`a path of more than ${maxPathBytes} bytes`);
  if (/^0+$/.test(digits)) throw bad('a digest of zeros belongs to no content');
  return { path, digest: digits.toLowerCase() };
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\', n: '\n', r: '\r' };

function unescaped(text: string): string | undefined {
  if (!/^(?:[^\\]|\\[\\nr])*$/su.test(text)) return undefined;
  return text.replaceAll(/\\([\\nr])/g, (_, char: string) => escapes[char]!);
}

/** The lines in order of path and digest, each once: equal lists have equal texts. */
export function writeChecksums(lines: Iterable<ChecksumLine>): string {
  const keyed = new Map<string, ChecksumLine>();
  for (const line of lines) keyed.set(`${line.path}\0${line.digest}`, line);
  const sorted = [...keyed].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, { path, digest }]) => `${checksumLine(path, digest)}\n`).join('');
}

const checksumLine = (path: string, digest: string) =>
  path.includes('\\') ? `\\${digest}  ${path.replaceAll('\\', '\\\\')}` : `${digest}  ${path}`;
