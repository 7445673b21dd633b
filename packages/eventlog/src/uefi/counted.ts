import type { Codec } from '@vouchsafe/bytes/codec';
import { EncodeError } from '@vouchsafe/bytes/writer';

/**
 * Bytes whose length is `scale` times a 64-bit sibling that stands before them.
 * The sibling is compared before it becomes a number, so that 2^64 - 1 is a length over the limit and nothing else.
 */
export function counted(name: string, sibling: string, scale: number, max: number): Codec<Uint8Array> {
  const sizeOf = (siblings: Readonly<Record<string, unknown>>) => (siblings[sibling] as bigint) * BigInt(scale);
  return {
    name,
    read(reader, siblings) {
      const size = sizeOf(siblings);
      if (size > BigInt(max)) reader.fail(`${sibling} asks for ${size} bytes, limit ${max}`);
      return reader.take(Number(size));
    },
    write(writer, value, siblings) {
      if (BigInt(value.length) !== sizeOf(siblings))
        throw new EncodeError(`${name}: ${value.length} bytes, not ${sibling}`);
      writer.put(value);
    },
  };
}
