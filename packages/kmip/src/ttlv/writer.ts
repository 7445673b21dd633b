import { EncodeError } from '@vouchsafe/bytes/writer';
import { limits } from '../limits.ts';
import { padded } from './check.ts';
import { lastOfMajor1, type Rank } from './vocabulary.ts';

const start = 4096;

/** Octets of one message as they are written. The buffer is used for the next message too and is wiped in between. */
export class TtlvWriter {
  #bytes = Buffer.alloc(start);
  #length = 0;
  /** The version in whose words is written. */
  rank: Rank = lastOfMajor1;

  /** Writes the header of an item and makes room for its value; returns where the value goes. */
  item(tag: number, type: number, length: number): number {
    const at = this.#length;
    const end = at + 8 + padded(length);
    if (end > this.#bytes.length) this.#grow(end);
    this.#header(at, tag, type, length);
    if (length % 8 !== 0) this.#bytes.fill(0, end - 8, end);
    this.#length = end;
    return at + 8;
  }

  /** The buffer that values are put in; it is valid until the next item. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Opens a structure; `close` wants what this returns. */
  open(tag: number): number {
    return this.item(tag, 1, 0);
  }

  close(body: number): void {
    this.#bytes.writeUInt32BE(this.#length - body, body - 4);
  }

  /** Octets of an item that stands encoded already. */
  put(encoded: Uint8Array): void {
    const end = this.#length + encoded.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(encoded, this.#length);
    this.#length = end;
  }

  /** A copy of what was written; the working buffer is wiped. */
  finish(): Buffer<ArrayBuffer> {
    const out = Buffer.allocUnsafeSlow(this.#length);
    this.#bytes.copy(out, 0, 0, this.#length);
    this.reset();
    return out;
  }

  /** Wipes what was written. */
  reset(): void {
    this.#bytes.fill(0, 0, this.#length);
    this.#length = 0;
    this.rank = lastOfMajor1;
  }

  #header(at: number, tag: number, type: number, length: number): void {
    const bytes = this.#bytes;
    bytes[at] = tag >>> 16;
    bytes[at + 1] = tag >>> 8;
    bytes[at + 2] = tag;
    bytes[at + 3] = type;
    bytes[at + 4] = length >>> 24;
    bytes[at + 5] = length >>> 16;
    bytes[at + 6] = length >>> 8;
    bytes[at + 7] = length;
  }

  #grow(needed: number): void {
    if (needed > 2 * limits.message) throw new EncodeError(`message: more than ${2 * limits.message} bytes`);
    const grown = Buffer.alloc(Math.max(2 * this.#bytes.length, needed));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes.fill(0);
    this.#bytes = grown;
  }
}
