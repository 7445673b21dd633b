import { Problem } from '@vouchsafe/domain/problem';

/** A file in a tar archive. */
export interface TarFile {
  /** As it stands there, for instance `./usr/bin/true`. */
  readonly path: string;
  readonly kind: 'file' | 'hardlink' | 'other';
  /** Of a hard link: the path of the file that it is another name of. */
  readonly target: string;
  readonly size: number;
}

const block = 512;
const maxName = 4096;
/** Names and extensions before a file; a longer one is refused. */
const maxExtension = 64 * 1024;

/**
 * Reads a tar archive as it comes in: POSIX ustar and pax, and the long names of GNU (tar(5); IEEE 1003.1, pax). Each
 * file's content must be consumed by `visit` as it comes.
 * @param source the archive, in pieces of any size
 * @param visit told of each file; takes its content piece by piece
 * @throws {Problem} `input.malformed` naming the offset
 */
export async function readTar(
  source: AsyncIterable<Uint8Array>,
  visit: (file: TarFile) => { take(piece: Uint8Array): void; end(): void } | undefined,
): Promise<void> {
  const input = new Pieces(source);
  let extension: Extension = {};
  for (;;) {
    const header = await input.exactly(block);
    // Behind the archive stands what fills it up; a program that writes it waits until it is read.
    if (header === undefined || header.every((byte) => byte === 0)) return await input.drain();
    const { file, type } = readHeader(header, input.offset - block);
    if (type in extensions) {
      if (file.size > maxExtension) throw malformed(input.offset, `an extension of ${file.size} bytes`);
      const content = await input.content(file.size);
      extension = { ...extension, ...extensions[type as keyof typeof extensions](content, input.offset) };
      continue;
    }
    const whole = { ...file, ...extension };
    if (whole.path.length > maxName) throw malformed(input.offset, `a name of ${whole.path.length} characters`);
    extension = {};
    const taker = visit(whole);
    for await (const piece of input.pieces(whole.size)) taker?.take(piece);
    taker?.end();
  }
}

type Extension = { path?: string; target?: string; size?: number };
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8').replace(/\0.*$/s, '');

/** What stands before a file and says more of it: `L` and `K` of GNU, `x` and `g` of pax. */
const extensions = {
  L: (content: Uint8Array): Extension => ({ path: text(content) }),
  K: (content: Uint8Array): Extension => ({ target: text(content) }),
  x: (content: Uint8Array, offset: number): Extension => readPax(content, offset),
  g: (content: Uint8Array, offset: number): Extension => {
    const said = readPax(content, offset);
    if (Object.keys(said).length > 0) throw malformed(offset, 'a global header that names files');
    return said;
  },
} as const;

/** Records `LENGTH KEY=VALUE\n`. */
function readPax(content: Uint8Array, offset: number): Extension {
  const found: Extension = {};
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const digits = space < 0 ? '' : Buffer.from(content.subarray(at, Math.min(space, at + 16))).toString('latin1');
    const length = /^\d{1,15}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const whole = length > 0 && end > space + 2 && end <= content.length;
    if (!whole || content[end - 1] !== 0x0a) throw malformed(offset, 'a pax record that is none');
    const record = Buffer.from(content.subarray(space + 1, end - 1)).toString('utf8');
    const [, key, value = ''] = /^([^=]*)=(.*)$/s.exec(record) ?? [];
    if (key === 'path') found.path = value;
    if (key === 'linkpath') found.target = value;
    if (key === 'size') found.size = sizeOf(value, offset);
    if (key?.startsWith('GNU.sparse')) throw malformed(offset, 'a sparse file');
    at = end;
  }
  return found;
}

function sizeOf(value: string, offset: number): number {
  const size = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw malformed(offset, `a size of ${value.slice(0, 32)}`);
  return size;
}

const kinds: Readonly<Record<string, TarFile['kind']>> = { '0': 'file', '\0': 'file', '7': 'file', '1': 'hardlink' };

function readHeader(header: Uint8Array, offset: number): { file: TarFile; type: string } {
  const field = (from: number, size: number) => Buffer.from(header.subarray(from, from + size)).toString('utf8');
  const string = (from: number, size: number) => field(from, size).replace(/\0.*$/s, '');
  const octal = (from: number, size: number) => numberOf(header.subarray(from, from + size), offset);
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (octal(148, 8) !== sum) throw malformed(offset, 'a header whose checksum is wrong');
  const type = field(156, 1);
  if (type === 'S') throw malformed(offset, 'a sparse file');
  // GNU writes other things where POSIX has the first part of the name.
  const prefix = field(257, 6) === 'ustar\0' ? string(345, 155) : '';
  const path = prefix === '' ? string(0, 100) : `${prefix}/${string(0, 100)}`;
  const kind = kinds[type] ?? 'other';
  const size = kind === 'file' || type in extensions ? octal(124, 12) : 0;
  return { file: { path, kind, target: string(157, 100), size }, type };
}

/** Octal text; GNU writes large numbers in binary behind a set bit. */
function numberOf(field: Uint8Array, offset: number): number {
  if ((field[0]! & 0x80) !== 0) {
    const value = field.reduce((sum, byte, i) => sum * 256 + (i === 0 ? byte & 0x7f : byte), 0);
    if (!Number.isSafeInteger(value)) throw malformed(offset, 'a number that is too large');
    return value;
  }
  const digits = Buffer.from(field)
    .toString('latin1')
    .replace(/[\0 ].*$/s, '')
    .trim();
  if (!/^[0-7]{0,12}$/.test(digits)) throw malformed(offset, 'a field that is no octal number');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

const malformed = (offset: number, what: string) => new Problem('input.malformed', `tar: ${what} (at byte ${offset})`);

/** Pieces of any size, read as blocks. */
class Pieces {
  readonly #source: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array();
  #at = 0;
  offset = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #some(max: number): Promise<Uint8Array | undefined> {
    while (this.#at === this.#piece.length) {
      const { done, value } = await this.#source.next();
      if (done === true) return undefined;
      [this.#piece, this.#at] = [value, 0];
    }
    const some = this.#piece.subarray(this.#at, this.#at + max);
    this.#at += some.length;
    this.offset += some.length;
    return some;
  }

  /** So many bytes; undefined at the end. */
  async exactly(size: number): Promise<Uint8Array | undefined> {
    const out = new Uint8Array(size);
    for (let at = 0; at < size; ) {
      const some = await this.#some(size - at);
      if (some === undefined && at === 0) return undefined;
      if (some === undefined) throw malformed(this.offset, `it ends ${size - at} bytes too early`);
      out.set(some, at);
      at += some.length;
    }
    return out;
  }

  /** Content of a file, then what fills its last block. */
  async *pieces(size: number): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0; ) {
      const some = await this.#some(left);
      if (some === undefined) throw malformed(this.offset, `it ends ${left} bytes too early`);
      left -= some.length;
      yield some;
    }
    const fill = (block - (size % block)) % block;
    if (fill > 0) await this.exactly(fill);
  }

  async drain(): Promise<void> {
    while ((await this.#some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }

  async content(size: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const piece of this.pieces(size)) parts.push(piece);
    return Buffer.concat(parts);
  }
}
