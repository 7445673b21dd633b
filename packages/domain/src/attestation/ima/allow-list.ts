import { Problem } from '../../problem.ts';
import { hashOfDigits, type ListedHash, maxPathBytes } from './checksum-lines.ts';
import { type ImaList, listDigest } from './ima-list.ts';

/** What a list says of a file: its content is listed, another one is, or the path is not there at all. */
export type Listing = 'listed' | 'changed' | 'absent';

/**
 * A list, ready to be asked. About 100 bytes a file: paths and digests stand in two buffers behind a table of offsets,
 * since a host has 100,000 files and a service has several lists.
 */
export class AllowList {
  readonly name: string;
  /** SHA-256 of the lines. */
  readonly digest: string;
  /** Number of lines; a path may have several. */
  readonly size: number;
  readonly #paths: Uint8Array;
  /** Where path i begins; one more for the end of the last. */
  readonly #starts: Uint32Array;
  readonly #digests: Uint8Array;
  readonly #digestSize: Uint8Array;
  readonly #width: number;
  /** Open addressing: 1 + the first line of a path, 0 where none is. */
  readonly #slots: Uint32Array;

  /** @throws {Problem} `input.malformed` when the entries are not as `makeList` writes them */
  constructor(list: ImaList) {
    const text = Buffer.from(list.entries);
    this.name = list.name;
    this.digest = listDigest(list);
    const rows = rowsOf(list.name, text);
    this.size = rows.length;
    this.#width = rows.reduce((widest, { digits }) => Math.max(widest, digits / 2), 32);
    this.#starts = new Uint32Array(rows.length + 1);
    this.#paths = new Uint8Array(rows.reduce((sum, { from, to }) => sum + to - from, 0));
    this.#digests = new Uint8Array(rows.length * this.#width);
    this.#digestSize = new Uint8Array(rows.length);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, rows.length * 2))));
    for (const [i, row] of rows.entries()) this.#fill(i, row, text);
  }

  #fill(i: number, { at, digits, from, to, escaped }: Row, text: Buffer): void {
    const raw = text.subarray(from, to);
    const path = escaped ? Buffer.from(raw.toString('utf8').replaceAll('\\\\', '\\')) : raw;
    const start = this.#starts[i]!;
    this.#paths.set(path, start);
    this.#starts[i + 1] = start + path.length;
    this.#digests.set(Buffer.from(text.toString('latin1', at, at + digits), 'hex'), i * this.#width);
    this.#digestSize[i] = digits / 2;
    const slot = this.#slotOf(path);
    if (this.#slots[slot] === 0) this.#slots[slot] = i + 1;
    else if (i > 0 && !this.#samePath(i - 1, path))
      throw new Problem('input.malformed', `IMA list ${this.name}: not sorted`);
  }

  /** Whether a file may have this content. */
  look(path: string, hash: string, digest: Uint8Array): Listing {
    const bytes = scratch.subarray(0, scratch.write(path));
    // A path that does not fit is none that a list has.
    if (bytes.length > scratch.length - 4) return 'absent';
    const first = this.#slots[this.#slotOf(bytes)]!;
    if (first === 0) return 'absent';
    for (let i = first - 1; i < this.size && this.#samePath(i, bytes); i++) {
      if (this.#hashOf(i) === hash && this.#sameDigest(i, digest)) return 'listed';
    }
    return 'changed';
  }

  /** The slot of a path, or the empty one where it would stand. */
  #slotOf(path: Uint8Array): number {
    const mask = this.#slots.length - 1;
    // FNV-1a. Only the list's own paths stand in the table, so nobody outside can make its chains long.
    let sum = 0x811c9dc5;
    for (let at = 0; at < path.length; at++) sum = Math.imul(sum ^ path[at]!, 0x01000193);
    for (let slot = (sum ^ (sum >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const line = this.#slots[slot]!;
      if (line === 0 || this.#samePath(line - 1, path)) return slot;
    }
  }

  #samePath(i: number, path: Uint8Array): boolean {
    const start = this.#starts[i]!;
    if (this.#starts[i + 1]! - start !== path.length) return false;
    for (let at = path.length - 1; at >= 0; at--) if (this.#paths[start + at] !== path[at]) return false;
    return true;
  }

  #hashOf = (i: number): ListedHash | undefined => hashOfDigits(this.#digestSize[i]! * 2);

  #sameDigest(i: number, digest: Uint8Array): boolean {
    const start = i * this.#width;
    if (digest.length !== this.#digestSize[i]) return false;
    for (let at = 0; at < digest.length; at++) if (digest[at] !== this.#digests[start + at]) return false;
    return true;
  }
}

/** Where a path that is asked for stands as bytes: one at a time, and a host has many. */
const scratch = Buffer.alloc(maxPathBytes + 8);

/** Where a line's parts stand in the text. */
interface Row {
  readonly at: number;
  readonly digits: number;
  readonly from: number;
  readonly to: number;
  readonly escaped: boolean;
}

const [lineFeed, blank, backslash] = [0x0a, 0x20, 0x5c];

function rowsOf(name: string, text: Buffer): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < text.length; ) {
    const escaped = text[at] === backslash;
    const start = escaped ? at + 1 : at;
    const end = text.indexOf(lineFeed, start);
    const space = text.indexOf(blank, start);
    const digits = space - start;
    if (end < 0 || space < 0 || space + 2 >= end || text[space + 1] !== blank || hashOfDigits(digits) === undefined) {
      throw new Problem('input.malformed', `IMA list ${name}: line ${rows.length + 1} is not as a list is written`);
    }
    rows.push({ at: start, digits, from: space + 2, to: end, escaped });
    at = end + 1;
  }
  return rows;
}
