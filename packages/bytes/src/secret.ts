import { timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

/**
 * Secret bytes: never a string, never printed, wiped when done.
 *
 * A Secret owns its buffer. `use` lends the bytes for the time of one call; whoever copies them owns the copy. What
 * JavaScript cannot promise (copies made by the engine, swap) is said in SECURITY.md.
 */
export class Secret implements Disposable {
  #bytes: Uint8Array | undefined;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Takes the bytes over: they are copied and the given buffer is wiped at once. */
  static take(bytes: Uint8Array): Secret {
    const own = new Uint8Array(bytes.length);
    own.set(bytes);
    bytes.fill(0);
    return new Secret(own);
  }

  /** Length in bytes. @throws {TypeError} after the secret was wiped */
  get length(): number {
    return this.#held().length;
  }

  /** Lends the bytes to `f`; they must not be kept. @throws {TypeError} after the secret was wiped */
  use<T>(f: (bytes: Uint8Array) => T): T {
    return f(this.#held());
  }

  /** Compares in constant time; secrets of different length are different. */
  equals(other: Secret): boolean {
    return this.use((a) => other.use((b) => a.length === b.length && timingSafeEqual(a, b)));
  }

  /** Overwrites the bytes; every later use is an error. */
  [Symbol.dispose](): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  toJSON(): string {
    return '[secret]';
  }

  toString(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }

  #held(): Uint8Array {
    if (this.#bytes === undefined) throw new TypeError('the secret was wiped already');
    return this.#bytes;
  }
}
