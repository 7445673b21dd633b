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
  #held = 0;

  constructor(root: 'Request Message' | 'Response Message', limit: number = limits.message) {
    this.#root = tags[root];
    this.#limit = limit;
  }

  /** Octets held of messages that were not taken yet; 0 between messages. */
  get held(): number {
    return this.#held;
  }

  /** Copies octets and wipes the chunk. */
  push(chunk: Uint8Array): void {
    const held = this.#held + chunk.length;
    if (held > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(held, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#held));
      this.#bytes.fill(0);
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#held);
    this.#held = held;
    chunk.fill(0);
  }

  /** The next message when it is complete. @throws {TtlvError} when no message begins here */
  next(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#held < 8) return undefined;
    const length = this.#measure();
    if (this.#held < length) return undefined;
    const message = this.#bytes.slice(0, length);
    this.#bytes.copyWithin(0, length, this.#held);
    this.#bytes.fill(0, this.#held - length, this.#held);
    this.#held -= length;
    return message;
  }

  /** Wipes what is held. */
  clear(): void {
    this.#bytes = this.#bytes.fill(0).subarray(0, 0);
    this.#held = 0;
  }

  #measure(): number {
    const tag = uint24(this.#bytes, 0);
    const length = uint32(this.#bytes, 4);
    if (tag !== this.#root || this.#bytes[3] !== 1) throw new TtlvError('malformed', 'message', 0, 'no KMIP message');
    if (length > this.#limit - 8)
      throw new TtlvError('malformed', 'message', 4, `${length} bytes announced, limit ${this.#limit - 8}`);
    if (length === 0 || length % 8 !== 0)
      throw new TtlvError('malformed', 'message', 4, `length ${length} is no positive multiple of 8`);
    return length + 8;
  }
}
