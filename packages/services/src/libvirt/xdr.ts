import { type Codec, u32 } from '@vouchsafe/bytes/codec';
import type { Reader } from '@vouchsafe/bytes/reader';
import { EncodeError } from '@vouchsafe/bytes/writer';

/** RFC 4506, 4.1: signed integer. */
export const int: Codec<number> = {
  name: 'int',
  read: (reader, siblings) => u32.read(reader, siblings) | 0,
  write(writer, value, siblings) {
    if (!Number.isInteger(value) || (value | 0) !== value) throw new EncodeError(`int: ${value} does not fit 32 bits`);
    u32.write(writer, value >>> 0, siblings);
  },
};

/** RFC 4506, 4.10: variable-length opaque data of at most `max` bytes, filled up with zeros to a multiple of four. */
export const opaque = (max: number): Codec<Uint8Array> => ({
  name: 'opaque',
  read(reader, siblings) {
    const at = reader.offset;
    const length = u32.read(reader, siblings);
    if (length > max) reader.fail(`${length} bytes, limit ${max}`, at);
    const value = reader.take(length);
    readPadding(reader, length);
    return value;
  },
  write(writer, value, siblings) {
    if (value.length > max) throw new EncodeError(`opaque: ${value.length} bytes, limit ${max}`);
    u32.write(writer, value.length, siblings);
    writer.put(value);
    writer.put(new Uint8Array(paddingOf(value.length)));
  },
});

/** RFC 4506, 4.11: string; here of UTF-8 text, at most `max` bytes. */
export function string(max: number): Codec<string> {
  const bytes = opaque(max);
  return {
    name: 'string',
    read(reader, siblings) {
      const at = reader.offset;
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.read(reader, siblings));
      } catch (cause) {
        if (cause instanceof TypeError) return reader.fail('not UTF-8 text', at);
        throw cause;
      }
    },
    write: (writer, value, siblings) => bytes.write(writer, new TextEncoder().encode(value), siblings),
  };
}

/** RFC 4506, 4.19: a value that may be missing. */
export const optional = <T>(of: Codec<T>): Codec<T | undefined> => ({
  name: of.name,
  read(reader, siblings) {
    const at = reader.offset;
    const there = u32.read(reader, siblings);
    if (there > 1) reader.fail(`expected 0 or 1, found ${there}`, at);
    return there === 1 ? of.read(reader, siblings) : undefined;
  },
  write(writer, value, siblings) {
    u32.write(writer, value === undefined ? 0 : 1, siblings);
    if (value !== undefined) of.write(writer, value, siblings);
  },
});

const paddingOf = (length: number): number => (4 - (length % 4)) % 4;

function readPadding(reader: Reader, length: number): void {
  const at = reader.offset;
  if (reader.take(paddingOf(length)).some((byte) => byte !== 0)) reader.fail('padding is not zero', at);
}
