import { hex } from './hex.ts';
import { Reader } from './reader.ts';
import { EncodeError, Writer } from './writer.ts';

/** How a value stands in bytes; one declaration gives decoder, encoder, type and error path. */
export interface Codec<T> {
  /** Name used in error paths when the codec is the root. */
  readonly name: string;
  read(reader: Reader, siblings: Siblings): T;
  write(writer: Writer, value: T, siblings: Siblings): void;
}

/** The fields of the enclosing structure that were read so far: what a union looks its tag up in. */
export type Siblings = Readonly<Record<string, unknown>>;

/** The type of the values of a codec. */
export type Infer<C> = C extends Codec<infer T> ? T : never;

const noSiblings: Siblings = {};

/**
 * Decodes a whole value.
 * @throws {DecodeError} when the bytes are short, are no such value, or bytes are left over
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  return reader.within(codec.name, () => {
    const value = codec.read(reader, noSiblings);
    reader.finish();
    return value;
  });
}

/** Encodes a value. @throws {EncodeError} when the value does not fit its declaration */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  codec.write(writer, value, noSiblings);
  return writer.finish();
}

function unsigned(name: string, size: 1 | 2 | 4, little: boolean): Codec<number> {
  const top = 2 ** (8 * size) - 1;
  const get = size === 1 ? 'getUint8' : size === 2 ? 'getUint16' : 'getUint32';
  const set = size === 1 ? 'setUint8' : size === 2 ? 'setUint16' : 'setUint32';
  return {
    name,
    read: (reader) => reader.view[get](reader.claim(size), little),
    write(writer, value) {
      if (!Number.isInteger(value) || value < 0 || value > top)
        throw new EncodeError(`${name}: ${value} is not 0..${top}`);
      const at = writer.claim(size);
      writer.view[set](at, value, little);
    },
  };
}

function unsigned64(name: string, little: boolean): Codec<bigint> {
  return {
    name,
    read: (reader) => reader.view.getBigUint64(reader.claim(8), little),
    write(writer, value) {
      if (value < 0n || value >= 1n << 64n) throw new EncodeError(`${name}: ${value} does not fit 64 bits`);
      const at = writer.claim(8);
      writer.view.setBigUint64(at, value, little);
    },
  };
}

/** Unsigned integers, big-endian (TPM, KMIP, LUKS). */
export const u8 = unsigned('u8', 1, false);
export const u16 = unsigned('u16', 2, false);
export const u32 = unsigned('u32', 4, false);
export const u64 = unsigned64('u64', false);

/** Unsigned integers, little-endian (TCG event logs, UEFI, IMA). */
export const u16le = unsigned('u16le', 2, true);
export const u32le = unsigned('u32le', 4, true);
export const u64le = unsigned64('u64le', true);

/** A value that must stand there exactly. */
export function constant<T extends number | bigint>(of: Codec<T>, expected: T): Codec<T> {
  return {
    name: of.name,
    read(reader, siblings) {
      const at = reader.offset;
      const value = of.read(reader, siblings);
      if (value !== expected) reader.fail(`expected 0x${expected.toString(16)}, found 0x${value.toString(16)}`, at);
      return value;
    },
    write: (writer, _value, siblings) => of.write(writer, expected, siblings),
  };
}

/** A number with a closed set of names; any other number is an error. */
export function oneOf<const N extends Readonly<Record<string, number>>>(
  of: Codec<number>,
  names: N,
): Codec<keyof N & string> {
  const byValue = new Map(Object.entries(names).map(([name, value]) => [value, name as keyof N & string]));
  return {
    name: of.name,
    read(reader, siblings) {
      const at = reader.offset;
      const value = of.read(reader, siblings);
      const name = byValue.get(value);
      if (name === undefined) {
        return reader.fail(`expected one of ${Object.keys(names).join(', ')}, found 0x${value.toString(16)}`, at);
      }
      return name;
    },
    write(writer, name, siblings) {
      const value = names[name];
      if (value === undefined) throw new EncodeError(`${of.name}: no such name: ${name}`);
      of.write(writer, value, siblings);
    },
  };
}

/** Exactly `size` bytes. */
export function fixed(name: string, size: number): Codec<Uint8Array> {
  return {
    name,
    read: (reader) => reader.take(size),
    write(writer, value) {
      if (value.length !== size) throw new EncodeError(`${name}: ${value.length} bytes, expected ${size}`);
      writer.put(value);
    },
  };
}

/** Bytes behind their length, at most `max` of them. */
export function sized(name: string, length: Codec<number>, max: number): Codec<Uint8Array> {
  return {
    name,
    read: (reader, siblings) => reader.take(readCount(reader, length, max, 'bytes', siblings)),
    write(writer, value, siblings) {
      if (value.length > max) throw new EncodeError(`${name}: ${value.length} bytes, limit ${max}`);
      length.write(writer, value.length, siblings);
      writer.put(value);
    },
  };
}

/** A value behind its length in bytes; the value must fill the length. */
export function sizedOf<T>(name: string, length: Codec<number>, of: Codec<T>, max: number): Codec<T> {
  return {
    name,
    read(reader, siblings) {
      const inner = reader.window(readCount(reader, length, max, 'bytes', siblings));
      const value = of.read(inner, siblings);
      inner.finish();
      return value;
    },
    write(writer, value, siblings) {
      const bytes = encode(of, value);
      if (bytes.length > max) throw new EncodeError(`${name}: ${bytes.length} bytes, limit ${max}`);
      length.write(writer, bytes.length, siblings);
      writer.put(bytes);
    },
  };
}

/** Items behind their number, at most `max` of them. */
export function list<T>(name: string, count: Codec<number>, item: Codec<T>, max: number): Codec<T[]> {
  return {
    name,
    read(reader, siblings) {
      const items: T[] = [];
      const n = readCount(reader, count, max, 'items', siblings);
      for (let i = 0; i < n; i++) items.push(reader.within(`[${i}]`, () => item.read(reader, siblings)));
      return items;
    },
    write(writer, items, siblings) {
      if (items.length > max) throw new EncodeError(`${name}: ${items.length} items, limit ${max}`);
      count.write(writer, items.length, siblings);
      for (const each of items) item.write(writer, each, siblings);
    },
  };
}

/** Items until the end of the window, at most `max` of them. */
export function untilEnd<T>(name: string, item: Codec<T>, max: number): Codec<T[]> {
  return {
    name,
    read(reader, siblings) {
      const items: T[] = [];
      while (reader.left > 0) {
        if (items.length === max) reader.fail(`more than ${max} items`);
        const before = reader.offset;
        items.push(reader.within(`[${items.length}]`, () => item.read(reader, siblings)));
        if (reader.offset === before) reader.fail('an item without length');
      }
      return items;
    },
    write(writer, items, siblings) {
      if (items.length > max) throw new EncodeError(`${name}: ${items.length} items, limit ${max}`);
      for (const each of items) item.write(writer, each, siblings);
    },
  };
}

/** All bytes until the end of the window, at most `max` of them. */
export function rest(name: string, max: number): Codec<Uint8Array> {
  return {
    name,
    read(reader) {
      if (reader.left > max) reader.fail(`${reader.left} bytes, limit ${max}`);
      return reader.take(reader.left);
    },
    write(writer, value) {
      if (value.length > max) throw new EncodeError(`${name}: ${value.length} bytes, limit ${max}`);
      writer.put(value);
    },
  };
}

/** Named bits of a number; a bit without a name must be clear. */
export function bits<const B extends Readonly<Record<string, number>>>(
  name: string,
  of: Codec<number>,
  places: B,
): Codec<{ [K in keyof B]: boolean }> {
  type Flags = { [K in keyof B]: boolean };
  const entries = Object.entries(places);
  const known = entries.reduce((mask, [, bit]) => mask + 2 ** bit, 0);
  return {
    name,
    read(reader, siblings) {
      const at = reader.offset;
      const value = of.read(reader, siblings);
      const unknown = (value & ~known) >>> 0;
      if (unknown !== 0) reader.fail(`reserved bits are set: 0x${unknown.toString(16)}`, at);
      return Object.fromEntries(entries.map(([flag, bit]) => [flag, (value >>> bit) % 2 === 1])) as Flags;
    },
    write(writer, flags, siblings) {
      const value = entries.reduce((sum, [flag, bit]) => sum + (flags[flag] ? 2 ** bit : 0), 0);
      of.write(writer, value, siblings);
    },
  };
}

/** Nothing: the body of a union's case that has none. */
export const nothing: Codec<undefined> = { name: 'nothing', read: () => undefined, write: () => undefined };

/** A field whose declaration depends on a sibling that stands before it. */
export interface UnionCodec<Tag extends string, Cases extends Record<string, Codec<unknown>>>
  extends Codec<Infer<Cases[keyof Cases]>> {
  readonly tag: Tag;
  readonly cases: Cases;
}

/** The case that sibling `tag` selects. A tag without a case is an error. */
// biome-ignore lint/suspicious/noExplicitAny: codecs are invariant, a record of unlike codecs has no narrower type
export function union<const Tag extends string, const Cases extends Record<string, Codec<any>>>(
  tag: Tag,
  cases: Cases,
): UnionCodec<Tag, Cases> {
  const select = (siblings: Siblings) => cases[String(siblings[tag])];
  return {
    name: `union(${tag})`,
    tag,
    cases,
    read(reader, siblings) {
      const chosen = select(siblings);
      if (chosen === undefined) return reader.fail(`no case for ${tag} ${String(siblings[tag])}`);
      return chosen.read(reader, noSiblings);
    },
    write(writer, value, siblings) {
      const chosen = select(siblings);
      if (chosen === undefined) throw new EncodeError(`union: no case for ${tag} ${String(siblings[tag])}`);
      chosen.write(writer, value, noSiblings);
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: as above
type Fields = Record<string, Codec<any>>;
// biome-ignore lint/suspicious/noExplicitAny: as above
type AnyUnion<Tag extends string> = UnionCodec<Tag, any>;
type TagOf<F> = { [K in keyof F]: F[K] extends AnyUnion<infer Tag> ? Tag : never }[keyof F];
type CaseOf<F, V> = F extends { readonly cases: infer C } ? (V extends keyof C ? Infer<C[V]> : never) : never;
type Variant<F, Tag, V> = {
  [K in keyof F]: K extends Tag ? V : F[K] extends AnyUnion<Tag & string> ? CaseOf<F[K], V> : Infer<F[K]>;
};
type Variants<F, Tag extends keyof F> =
  Infer<F[Tag]> extends infer V ? (V extends unknown ? Variant<F, Tag, V> : never) : never;
/** The type of a structure: a discriminated union when one of its fields is a union. */
export type Struct<F> = [TagOf<F>] extends [never]
  ? { [K in keyof F]: Infer<F[K]> }
  : TagOf<F> extends keyof F
    ? Variants<F, TagOf<F>>
    : { [K in keyof F]: Infer<F[K]> };

/** Fields one after the other. The codecs stay reachable as `fields`. */
export function struct<const F extends Fields>(name: string, fields: F): Codec<Struct<F>> & { readonly fields: F } {
  const entries = Object.entries(fields);
  return {
    name,
    fields,
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [key, codec] of entries) value[key] = reader.within(key, () => codec.read(reader, value));
      return value as Struct<F>;
    },
    write(writer, value) {
      const record = value as Record<string, unknown>;
      for (const [key, codec] of entries) codec.write(writer, record[key], record);
    },
  };
}

function readCount(reader: Reader, length: Codec<number>, max: number, unit: string, siblings: Siblings): number {
  const at = reader.offset;
  const n = length.read(reader, siblings);
  if (n > max) reader.fail(`${n} ${unit}, limit ${max}`, at);
  return n;
}

/** For messages: at most 32 bytes in hexadecimal. */
export const excerpt = (bytes: Uint8Array): string =>
  bytes.length <= 32 ? hex(bytes) : `${hex(bytes.subarray(0, 32))}... (${bytes.length} bytes)`;
