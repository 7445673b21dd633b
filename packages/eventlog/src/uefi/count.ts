import { type Codec, u64le } from '@vouchsafe/bytes/codec';

/** A 64-bit number of items: one that no JavaScript number holds exactly shows as 2^53 - 1, above every limit. */
export const count64: Codec<number> = {
  name: 'count',
  read(reader, siblings) {
    const value = u64le.read(reader, siblings);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
  },
  write: (writer, value, siblings) => u64le.write(writer, BigInt(value), siblings),
};
