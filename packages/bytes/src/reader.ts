/** Bytes that are not what their structure says. The message names the field, what was expected and where. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  /** Path of the field, for instance `TPMS_ATTEST.clockInfo.clock`. */
  readonly path: string;
  /** Offset in bytes from the start of the input. */
  readonly offset: number;
  /** What was wrong, without path and offset. */
  readonly reason: string;

  constructor(path: string, offset: number, reason: string) {
    super(`${path}: ${reason} (at byte ${offset})`);
    this.path = path;
    this.offset = offset;
    this.reason = reason;
  }
}

/** A cursor over bytes that never reads outside its window and knows the path of the field it is reading. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly end: number;
  offset: number;
  readonly #path: string[];

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length, path: string[] = []) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
    this.end = end;
    this.#path = path;
  }

  get left(): number {
    return this.end - this.offset;
  }

  /** Path of the field being read. */
  get path(): string {
    return this.#path.join('.').replaceAll('.[', '[');
  }

  /** Runs `f` with `name` added to the path. */
  within<T>(name: string, f: () => T): T {
    this.#path.push(name);
    const value = f();
    this.#path.pop();
    return value;
  }

  /** Claims `size` bytes and returns their offset. @throws {DecodeError} when fewer are left */
  claim(size: number): number {
    if (size > this.left) this.fail(`need ${size} bytes, ${this.left} left`);
    const at = this.offset;
    this.offset += size;
    return at;
  }

  /** The next `size` bytes as a copy. @throws {DecodeError} when fewer are left */
  take(size: number): Uint8Array<ArrayBuffer> {
    const at = this.claim(size);
    const out = new Uint8Array(size);
    out.set(this.bytes.subarray(at, at + size));
    return out;
  }

  /** A reader of its own over the next `size` bytes. @throws {DecodeError} when fewer are left */
  window(size: number): Reader {
    const at = this.claim(size);
    return new Reader(this.bytes, at, at + size, [...this.#path]);
  }

  /** @throws {DecodeError} when bytes are left over */
  finish(): void {
    if (this.left > 0) this.fail(`${this.left} bytes too many`);
  }

  fail(reason: string, offset = this.offset): never {
    throw new DecodeError(this.path, offset, reason);
  }
}
