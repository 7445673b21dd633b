import { TtlvError } from '../error.ts';
import { limits } from '../limits.ts';
import { tags } from '../tags.ts';
import { uint24, uint32 } from './check.ts';

/**
 * Cuts a stream into messages. Each header is judged by its own eight octets, before the body is waited for, and memory
 * grows with what arrived, never with what was announced. Chunks are wiped once they are copied.
 */
export class Framer {
  readonly #root: number;
  readonly #limit: number;
  #bytes = new Uint8Array(1024);
  /** Where the next message begins; what stands before it is wiped. */
  #from = 0;
  #end = 0;

  constructor(root: 'Request Message' | 'Response Message', limit: number = limits.message) {
    this.#root = tags[root];
    this.#limit = limit;
  }

  /** Octets held of messages that were not taken yet; 0 between messages. */
  get held(): number {
    return this.#end - this.#from;
  }

  /** Copies octets and wipes the chunk. */
  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(this.held + chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
    chunk.fill(0);
  }

  /** The next message when it is complete. @throws {TtlvError} when no message begins here */
  next(): Uint8Array<ArrayBuffer> | undefined {
    if (this.held < 8) return undefined;
    const length = this.#measure();
    if (this.held < length) return undefined;
    const message = this.#bytes.slice(this.#from, this.#from + length);
    this.#bytes.fill(0, this.#from, this.#from + length);
    this.#from += length;
    if (this.#from === this.#end) [this.#from, this.#end] = [0, 0];
    return message;
  }

  /** Wipes what is held. */
  clear(): void {
    this.#bytes = this.#bytes.fill(0).subarray(0, 0);
    [this.#from, this.#end] = [0, 0];
  }

  /** Moves what is held to the start, of a larger buffer when that is not enough. */
  #makeRoom(needed: number): void {
    const old = this.#bytes;
    const target = needed > old.length ? new Uint8Array(Math.max(needed, 2 * old.length)) : old;
    const held = this.held;
    if (target === old) old.copyWithin(0, this.#from, this.#end).fill(0, held);
    else {
      target.set(old.subarray(this.#from, this.#end));
      old.fill(0);
      this.#bytes = target;
    }
    [this.#from, this.#end] = [0, held];
  }

  #measure(): number {
    const tag = uint24(this.#bytes, this.#from);
    const length = uint32(this.#bytes, this.#from + 4);
    if (tag !== this.#root || this.#bytes[this.#from + 3] !== 1)
      throw new TtlvError('malformed', 'message', 0, 'no KMIP message');
    if (length > this.#limit - 8)
      throw new TtlvError('malformed', 'message', 4, `${length} bytes announced, limit ${this.#limit - 8}`);
    if (length === 0 || length % 8 !== 0)
      throw new TtlvError('malformed', 'message', 4, `length ${length} is no positive multiple of 8`);
    return length + 8;
  }
}
