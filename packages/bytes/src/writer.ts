/** A value that its structure cannot carry. */
export class EncodeError extends TypeError {
  override readonly name = 'EncodeError';
}

/** Bytes that grow at the end. */
export class Writer {
  #bytes = new Uint8Array(128);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Makes room for `size` bytes and returns their offset. */
  claim(size: number): number {
    const at = this.#length;
    if (at + size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(2 * this.#bytes.length, at + size));
      grown.set(this.#bytes);
      this.#bytes.fill(0);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length += size;
    return at;
  }

  /** The view to write claimed bytes with; it is valid until the next claim. */
  get view(): DataView {
    return this.#view;
  }

  put(bytes: Uint8Array): void {
    const at = this.claim(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** What was written, as a copy; the working buffer is wiped. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = this.#bytes.slice(0, this.#length);
    this.#bytes.fill(0);
    this.#length = 0;
    return out;
  }
}
