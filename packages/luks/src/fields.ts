import type { Codec } from '@vouchsafe/bytes/codec';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { EncodeError } from '@vouchsafe/bytes/writer';

/** Bytes that must stand there exactly; the value carries nothing. */
export function exactly(name: string, expected: Uint8Array): Codec<undefined> {
  return {
    name,
    read(reader) {
      const at = reader.offset;
      if (!equalBytes(reader.take(expected.length), expected)) reader.fail(`not the bytes of a ${name}`, at);
      return undefined;
    },
    write: (writer) => writer.put(expected),
  };
}

/** Printable ASCII text in a field of `size` bytes, ended by a zero byte and filled up with zeros. */
export function zeroPadded(name: string, size: number): Codec<string> {
  return {
    name,
    read(reader) {
      const at = reader.offset;
      const text = Buffer.from(reader.take(size)).toString('latin1');
      const match = /^([\x20-\x7e]*)\0+$/.exec(text);
      return match === null ? reader.fail('expected printable ASCII text and zeros up to the end', at) : match[1]!;
    },
    write(writer, value) {
      if (!/^[\x20-\x7e]*$/.test(value) || value.length >= size)
        throw new EncodeError(`${name}: expected at most ${size - 1} printable ASCII characters`);
      writer.put(Buffer.from(value.padEnd(size, '\0'), 'latin1'));
    },
  };
}

/** A count that stands nowhere in the bytes because the format fixes it. */
export const always = (count: number): Codec<number> => ({
  name: String(count),
  read: () => count,
  write: () => undefined,
});
