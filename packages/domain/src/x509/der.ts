import { DecodeError } from '@vouchsafe/bytes/reader';

/** Identifier octets of X.690, 8.1.2, as certificates and revocation lists use them. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
} as const;

/** The identifier octet of a context-specific tag: `[n]`, constructed or primitive. */
export const contextTag = (n: number, form: 'constructed' | 'primitive' = 'constructed'): number =>
  (form === 'constructed' ? 0xa0 : 0x80) | n;

/** What X.690 or RFC 5280 forbids, makers do all the same, and leaves the meaning plain. */
export type Oddity =
  | 'length-form'
  | 'integer-form'
  | 'boolean-form'
  | 'bit-string-padding'
  | 'set-order'
  | 'explicit-default'
  | 'time-form'
  | 'version'
  | 'serial'
  | 'signature-algorithm';

/** Called with each oddity; throws where none is borne. */
export type OnOddity = (oddity: Oddity) => void;

interface Place {
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** One value: its identifier octet and where it stands. */
export class Element {
  readonly source: Uint8Array;
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
  readonly odd: OnOddity;
  /** Where it stands, for errors: `certificate.tbs.serial`. */
  readonly path: string;

  constructor(source: Uint8Array, at: Place, path: string, odd: OnOddity) {
    this.source = source;
    this.path = path;
    this.tag = at.tag;
    this.start = at.start;
    this.content = at.content;
    this.end = at.end;
    this.odd = odd;
  }

  /** All octets, identifier and length included. */
  get raw(): Uint8Array {
    return this.source.subarray(this.start, this.end);
  }

  /** The contents octets. */
  get value(): Uint8Array {
    return this.source.subarray(this.content, this.end);
  }

  /** The values inside. */
  inside(): Der {
    return new Der(this.source, this.content, this.end, this.path, this.odd);
  }

  /** @throws {DecodeError} */
  fail(reason: string): never {
    throw new DecodeError(this.path, this.start, reason);
  }
}

/**
 * A cursor over values of DER (X.690, 10), one after the other. It never reads outside its window; lengths are definite
 * and tags fit one octet, other forms of BER are refused.
 */
export class Der {
  readonly source: Uint8Array;
  readonly end: number;
  readonly path: string;
  readonly odd: OnOddity;
  offset: number;

  constructor(source: Uint8Array, offset: number, end: number, path: string, odd: OnOddity) {
    this.source = source;
    this.offset = offset;
    this.end = end;
    this.path = path;
    this.odd = odd;
  }

  /** A cursor over whole bytes. */
  static over(source: Uint8Array, path: string, odd: OnOddity = strict(path)): Der {
    return new Der(source, 0, source.length, path, odd);
  }

  get more(): boolean {
    return this.offset < this.end;
  }

  /** The identifier octet of the next value; undefined at the end. */
  get peek(): number | undefined {
    return this.more ? this.source[this.offset] : undefined;
  }

  /** The next value, whatever it is. @throws {DecodeError} */
  any(name: string): Element {
    const start = this.offset;
    const tag = this.#octet(name);
    if ((tag & 0x1f) === 0x1f) this.fail(`${name}: a tag of several octets`, start);
    const length = this.#length(name);
    const content = this.offset;
    if (length > this.end - content) this.fail(`${name}: ${length} octets, ${this.end - content} left`, start);
    this.offset = content + length;
    return new Element(this.source, { tag, start, content, end: this.offset }, `${this.path}.${name}`, this.odd);
  }

  /** The next value, which must have this tag. @throws {DecodeError} */
  take(tag: number, name: string): Element {
    if (this.peek !== tag) this.fail(`${name}: expected tag ${hexOf(tag)}, found ${hexOf(this.peek)}`);
    return this.any(name);
  }

  /** The next value if it has this tag. @throws {DecodeError} */
  optional(tag: number, name: string): Element | undefined {
    return this.peek === tag ? this.any(name) : undefined;
  }

  /** A cursor over what is inside the next value. @throws {DecodeError} */
  enter(tag: number, name: string): Der {
    return this.take(tag, name).inside();
  }

  /** All values that are left, at most `limit`. @throws {DecodeError} */
  *rest(name: string, limit: number): Generator<Element> {
    for (let i = 0; this.more; i++) {
      if (i >= limit) this.fail(`${name}: more than ${limit}`);
      yield this.any(`${name}[${i}]`);
    }
  }

  /** @throws {DecodeError} when something is left over */
  finish(): void {
    if (this.more) this.fail(`${this.end - this.offset} octets too many`);
  }

  fail(reason: string, offset = this.offset): never {
    throw new DecodeError(this.path, offset, reason);
  }

  #octet(name: string): number {
    const octet = this.more ? this.source[this.offset] : undefined;
    if (octet === undefined) this.fail(`${name}: missing`);
    this.offset++;
    return octet;
  }

  /** X.690, 8.1.3 and 10.1: definite, in as few octets as possible. */
  #length(name: string): number {
    const first = this.#octet(name);
    if (first < 0x80) return first;
    const octets = first & 0x7f;
    if (octets === 0 || octets > 4) this.fail(`${name}: a length of ${octets === 0 ? 'no stated' : octets} octets`);
    let length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + this.#octet(name);
    if (length < 0x80 || length < 256 ** (octets - 1)) this.odd('length-form');
    return length;
  }
}

const hexOf = (tag: number | undefined): string =>
  tag === undefined ? 'nothing' : `0x${tag.toString(16).padStart(2, '0')}`;

/** Bears nothing that X.690 forbids. */
export const strict =
  (path: string): OnOddity =>
  (oddity) => {
    throw new DecodeError(path, 0, `not DER: ${oddity}`);
  };

/** Length of the value that the bytes begin with, header included; undefined when they begin with none. */
export function sizeOfFirst(bytes: Uint8Array): number | undefined {
  try {
    return Der.over(bytes, 'value', () => undefined).any('value').end;
  } catch {
    return undefined;
  }
}
