import { copy } from '@vouchsafe/bytes/hex';
import { Secret } from '@vouchsafe/bytes/secret';
import { EncodeError } from '@vouchsafe/bytes/writer';
import { valuesSince } from '../enum-versions.ts';
import { limits } from '../limits.ts';
import { type TagName, tagName } from '../tags.ts';
import { type Body, type Item, item } from './item.ts';
import { itemTypes } from './item-type.ts';
import type { Rank } from './vocabulary.ts';

const outside = (tag: number, value: unknown, expected: string): never => {
  throw new EncodeError(`${tagName(tag)}: ${String(value)} is not ${expected}`);
};

const whole = (tag: number, value: number, from: number, to: number): number =>
  Number.isInteger(value) && value >= from && value <= to
    ? value
    : outside(tag, value, `a whole number ${from}..${to}`);

export const integerBody: Body<number> = {
  type: itemTypes.Integer.code,
  read: (reader, at) => reader.bytes.readInt32BE(at),
  write(writer, tag, value) {
    const at = writer.item(tag, itemTypes.Integer.code, 4);
    writer.bytes.writeInt32BE(whole(tag, value, -(2 ** 31), 2 ** 31 - 1), at);
  },
};

export const longBody: Body<bigint> = {
  type: itemTypes['Long Integer'].code,
  read: (reader, at) => reader.bytes.readBigInt64BE(at),
  write(writer, tag, value) {
    const at = writer.item(tag, itemTypes['Long Integer'].code, 8);
    writer.bytes.writeBigInt64BE(BigInt.asIntN(64, value) === value ? value : outside(tag, value, '64 bits'), at);
  },
};

/** The same octets; the type says that they are microseconds since 1970. */
export const dateTimeExtendedBody: Body<bigint> = {
  type: itemTypes['Date-Time Extended'].code,
  read: longBody.read,
  write(writer, tag, value) {
    const at = writer.item(tag, itemTypes['Date-Time Extended'].code, 8);
    writer.bytes.writeBigInt64BE(BigInt.asIntN(64, value) === value ? value : outside(tag, value, '64 bits'), at);
  },
};

export const intervalBody: Body<number> = {
  type: itemTypes.Interval.code,
  read: (reader, at) => reader.bytes.readUInt32BE(at),
  write(writer, tag, value) {
    const at = writer.item(tag, itemTypes.Interval.code, 4);
    writer.bytes.writeUInt32BE(whole(tag, value, 0, 2 ** 32 - 1), at);
  },
};

export const booleanBody: Body<boolean> = {
  type: itemTypes.Boolean.code,
  read: (reader, at) => reader.bytes[at + 7] === 1,
  write(writer, tag, value) {
    const at = writer.item(tag, itemTypes.Boolean.code, 8);
    writer.bytes.fill(0, at, at + 8);
    writer.bytes[at + 7] = value ? 1 : 0;
  },
};

/** Seconds since 1970 that a `Date` can hold. */
const lastSecond = 8_640_000_000_000;

export const dateTimeBody: Body<Date> = {
  type: itemTypes['Date-Time'].code,
  read(reader, at, _length, tag) {
    const seconds = reader.bytes.readInt32BE(at) * 2 ** 32 + reader.bytes.readUInt32BE(at + 4);
    if (Math.abs(seconds) > lastSecond) reader.fail('malformed', tag, at, 'no date: out of range');
    return new Date(seconds * 1000);
  },
  write(writer, tag, value) {
    const seconds = whole(tag, Math.floor(value.getTime() / 1000), -lastSecond, lastSecond);
    const at = writer.item(tag, itemTypes['Date-Time'].code, 8);
    writer.bytes.writeInt32BE(Math.floor(seconds / 2 ** 32), at);
    writer.bytes.writeUInt32BE(seconds >>> 0, at + 4);
  },
};

export const textBody = (max: number): Body<string> => ({
  type: itemTypes['Text String'].code,
  read(reader, at, length, tag) {
    if (length > max) reader.fail('malformed', tag, at, `text of ${length} bytes, limit ${max}`);
    return reader.bytes.toString('utf8', at, at + length);
  },
  write(writer, tag, value) {
    const length = Buffer.byteLength(value);
    if (length > max) outside(tag, `text of ${length} bytes`, `within the limit of ${max}`);
    if (!value.isWellFormed() || value.includes('\0')) outside(tag, JSON.stringify(value), 'text without NUL');
    const at = writer.item(tag, itemTypes['Text String'].code, length);
    writer.bytes.write(value, at, length, 'utf8');
  },
});

export const bytesBody = (max: number): Body<Uint8Array> => ({
  type: itemTypes['Byte String'].code,
  read(reader, at, length, tag) {
    if (length > max) reader.fail('malformed', tag, at, `${length} bytes, limit ${max}`);
    return copy(reader.bytes.subarray(at, at + length));
  },
  write(writer, tag, value) {
    if (value.length > max) outside(tag, `${value.length} bytes`, `within the limit of ${max}`);
    const at = writer.item(tag, itemTypes['Byte String'].code, value.length);
    writer.bytes.set(value, at);
  },
});

/** The value is moved: the octets in the receive buffer are wiped, unless they are to be read again. */
export const secretBody = (type: 'Byte String' | 'Text String' | 'Big Integer'): Body<Secret> => ({
  type: itemTypes[type].code,
  read(reader, at, length) {
    const octets = reader.bytes.subarray(at, at + length);
    return Secret.take(reader.again ? copy(octets) : octets);
  },
  write(writer, tag, value) {
    value.use((bytes) => {
      const at = writer.item(tag, itemTypes[type].code, bytes.length);
      writer.bytes.set(bytes, at);
    });
  },
});

/** A signed number of any size in two's complement, most significant octet first, a multiple of eight octets. */
export const bigIntegerBody: Body<Uint8Array> = {
  type: itemTypes['Big Integer'].code,
  read: (reader, at, length) => copy(reader.bytes.subarray(at, at + length)),
  write(writer, tag, value) {
    if (value.length === 0 || value.length % 8 !== 0) outside(tag, `${value.length} bytes`, 'a multiple of 8 bytes');
    const at = writer.item(tag, itemTypes['Big Integer'].code, value.length);
    writer.bytes.set(value, at);
  },
};

/** A signed 32-bit number. */
export const integer = (name: TagName): Item<number> => item(name, integerBody);
/** A signed 64-bit number. */
export const longInteger = (name: TagName): Item<bigint> => item(name, longBody);
/** Seconds, unsigned 32-bit. */
export const interval = (name: TagName): Item<number> => item(name, intervalBody);
export const boolean = (name: TagName): Item<boolean> => item(name, booleanBody);
/** A point in time, in whole seconds. */
export const dateTime = (name: TagName): Item<Date> => item(name, dateTimeBody);
/** A point in time in microseconds since 1970; since 2.0. */
export const dateTimeExtended = (name: TagName): Item<bigint> => item(name, dateTimeExtendedBody);
/** Text of at most `max` octets. */
export const text = (name: TagName, max: number = limits.text): Item<string> => item(name, textBody(max));
/** Octets, copied out of the message. */
export const bytes = (name: TagName, max: number = limits.message): Item<Uint8Array> => item(name, bytesBody(max));
/** Octets that are secret: moved out of the message, which holds zeros afterwards. */
export const secret = (name: TagName): Item<Secret> => item(name, secretBody('Byte String'));
/** Text that is secret, as UTF-8 octets. */
export const secretText = (name: TagName): Item<Secret> => item(name, secretBody('Text String'));

type Table = Readonly<Record<string, number>>;

export function enumerationBody<T extends string>(table: Table, open: boolean): Body<T> {
  const names = new Map(Object.entries(table).map(([name, value]) => [value, name]));
  const since = valuesSince(table);
  const latest = Math.max(0, ...(since?.values() ?? []));
  const fits =
    since === undefined
      ? {}
      : {
          fits: (name: T, rank: Rank) => rank >= latest || rank >= (since.get(name) ?? 0),
          fitsAll: (rank: Rank) => rank >= latest,
        };
  return {
    ...fits,
    type: itemTypes.Enumeration.code,
    read(reader, at, _length, tag) {
      const value = reader.bytes.readUInt32BE(at);
      const number = `0x${value.toString(16).padStart(8, '0')}`;
      const name = names.get(value) ?? (open ? number : undefined);
      return (name ?? reader.fail('unknown-value', tag, at, `no such value: ${number}`)) as T;
    },
    write(writer, tag, name) {
      const value = table[name] ?? (open && /^0x[0-9a-f]{8}$/.test(name) ? Number(name) : undefined);
      const at = writer.item(tag, itemTypes.Enumeration.code, 4);
      writer.bytes.writeUInt32BE(value ?? outside(tag, name, `one of ${Object.keys(table).join(', ')}`), at);
    },
  };
}

/** A value that vendors and later versions may have added to, for use under several tags. */
export const openEnumerationBody = <const N extends Table>(names: N): Body<(keyof N & string) | `0x${string}`> =>
  enumerationBody<(keyof N & string) | `0x${string}`>(names, true);

/** A value of a closed list of names; any other value is an error. */
export const enumeration = <const N extends Table>(name: TagName, names: N): Item<keyof N & string> =>
  item(name, enumerationBody<keyof N & string>(names, false));

/** A value of a list of names that vendors and later versions extend: other values are given as `0x8 digits`. */
export const openEnumeration = <const N extends Table>(
  name: TagName,
  names: N,
): Item<(keyof N & string) | `0x${string}`> => item(name, openEnumerationBody(names));

/** A signed number of any size, as it stands: two's complement in a multiple of eight octets. */
export const bigInteger = (name: TagName): Item<Uint8Array> => item(name, bigIntegerBody);
/** A number of any size that is secret: moved out of the message, which holds zeros afterwards. */
export const secretBigInteger = (name: TagName): Item<Secret> => item(name, secretBody('Big Integer'));
