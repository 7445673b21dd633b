import { type TagName, tags } from '../tags.ts';
import { type Item, readChecked } from './item.ts';
import { itemTypes } from './item-type.ts';
import type { TtlvReader } from './reader.ts';
import type { TtlvWriter } from './writer.ts';

/**
 * A structure whose declaration depends on something outside it, such as the payload of an operation. A received one is
 * read once the declaration is known; it must be read before the message's octets are reused.
 */
export interface Lazy {
  /** Reads the structure as what it is now known to be. @throws {TtlvError} when it is no such structure */
  as<T>(of: Item<T>): T;
  write(writer: TtlvWriter): void;
}

const unread = (): never => {
  throw new TypeError('only received structures are read');
};

/** A structure to be sent: its declaration and its value. */
export const bound = <T>(of: Item<T>, value: T): Lazy => ({ as: unread, write: (writer) => of.write(writer, value) });

/** A structure to be sent that is encoded already; the octets are wiped once they stand in the message. */
export const encoded = (octets: Uint8Array): Lazy => ({
  as: unread,
  write(writer) {
    writer.put(octets);
    octets.fill(0);
  },
});

/** A structure of a tag that is read later. */
export function lazy(name: TagName): Item<Lazy> {
  return {
    name,
    tag: tags[name],
    type: itemTypes.Structure.code,
    read: (reader, at, length) => received(reader, at - 8, at + length),
    write: (writer, value) => value.write(writer),
  };
}

const received = (reader: TtlvReader, at: number, end: number): Lazy => ({
  as(of) {
    reader.restart();
    return readChecked(of, reader, at);
  },
  write: (writer) => writer.put(reader.bytes.subarray(at, end)),
});
