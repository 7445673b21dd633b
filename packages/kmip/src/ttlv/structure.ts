import { EncodeError } from '@vouchsafe/bytes/writer';
import { type TagName, tags } from '../tags.ts';
import { padded, uint24, uint32, wrongType } from './check.ts';
import type { Item, ValueOf } from './item.ts';
import { itemTypes } from './item-type.ts';
import type { TtlvReader } from './reader.ts';

/** A field that may be left out. */
export interface Optional<T> {
  readonly presence: 'optional';
  readonly item: Item<T>;
}

/** A field that may stand any number of times, up to a limit. */
export interface Repeated<T> {
  readonly presence: 'repeated';
  readonly item: Item<T>;
  readonly max: number;
}

/** The field may be left out. */
export const optional = <T>(item: Item<T>): Optional<T> => ({ presence: 'optional', item });

/** The field may stand up to `max` times. */
export const repeated = <T>(item: Item<T>, max: number): Repeated<T> => ({ presence: 'repeated', item, max });

// biome-ignore lint/suspicious/noExplicitAny: items are invariant, a record of unlike items has no narrower type
type Fields = Record<string, Item<any> | Optional<any> | Repeated<any>>;

/** The type of a structure. */
export type Structure<F> = {
  [K in keyof F as F[K] extends { presence: 'optional' } ? never : K]: F[K] extends Repeated<infer T>
    ? T[]
    : ValueOf<F[K]>;
} & {
  [K in keyof F as F[K] extends { presence: 'optional' } ? K : never]?: F[K] extends Optional<infer T>
    ? T | undefined
    : never;
};

interface Row {
  readonly key: string;
  readonly item: Item<unknown>;
  readonly presence: 'required' | 'optional' | 'repeated';
  readonly max: number;
}

/** Fields one after the other, in the order of the standard (KMIP 1.4, 9.1.2: order is significant). */
export function structure<const F extends Fields>(
  name: TagName,
  fields: F,
): Item<Structure<F>> & { readonly fields: F } {
  const rows = Object.entries(fields).map(row);
  const tag = tags[name];
  return {
    name,
    tag,
    type: itemTypes.Structure.code,
    fields,
    read: (reader, at, length) => readFields(reader, tag, rows, at, at + length) as Structure<F>,
    write(writer, value) {
      const body = writer.open(tag);
      for (const each of rows) writeField(each, (value as Record<string, unknown>)[each.key], name, writer);
      writer.close(body);
    },
  };
}

function row([key, field]: [string, Fields[string]]): Row {
  if (!('presence' in field)) return { key, item: field, presence: 'required', max: 1 };
  return { key, item: field.item, presence: field.presence, max: 'max' in field ? field.max : 1 };
}

function readFields(reader: TtlvReader, tag: number, rows: readonly Row[], from: number, end: number): unknown {
  reader.enter(tag);
  const value: Record<string, unknown> = {};
  for (const each of rows) if (each.presence === 'repeated') value[each.key] = [];
  let next = 0;
  for (let at = from; at < end; ) {
    const length = uint32(reader.bytes, at + 4);
    const found = find(reader, rows, next, at);
    if (found >= 0) {
      for (; next < found; next++) skip(reader, rows[next]!, value, at);
      readField(reader, rows[found]!, value, at, length);
      if (rows[found]!.presence !== 'repeated') next++;
    }
    at += 8 + padded(length);
  }
  for (; next < rows.length; next++) skip(reader, rows[next]!, value, end);
  reader.leave();
  return value;
}

/** Which field stands here; -1 for one to be ignored. */
function find(reader: TtlvReader, rows: readonly Row[], next: number, at: number): number {
  const tag = uint24(reader.bytes, at);
  for (let i = next; i < rows.length; i++) if (rows[i]!.item.tag === tag) return i;
  if (rows.some((each) => each.item.tag === tag)) reader.fail('malformed', tag, at, 'repeated, or not in its place');
  if (!reader.lenient) reader.fail('unknown-field', tag, at, 'no such field in this structure');
  return -1;
}

function skip(reader: TtlvReader, field: Row, value: Record<string, unknown>, at: number): void {
  if (field.presence === 'required' && value[field.key] === undefined)
    reader.fail('missing-field', field.item.tag, at, 'is missing');
}

function readField(reader: TtlvReader, field: Row, value: Record<string, unknown>, at: number, length: number): void {
  const type = reader.bytes[at + 3]!;
  const { item } = field;
  if (item.type !== 0 && type !== item.type) reader.fail('malformed', item.tag, at, wrongType(item.type, type));
  const read = item.read(reader, at + 8, length);
  if (field.presence !== 'repeated') {
    value[field.key] = read;
    return;
  }
  const list = value[field.key] as unknown[];
  if (list.length === field.max) reader.fail('malformed', item.tag, at, `more than ${field.max} of them`);
  list.push(read);
}

function writeField(field: Row, value: unknown, name: string, writer: Parameters<Item<unknown>['write']>[0]): void {
  if (field.presence === 'repeated') {
    const list = (value ?? []) as unknown[];
    if (list.length > field.max)
      throw new EncodeError(`${name}.${field.key}: ${list.length} items, limit ${field.max}`);
    for (const each of list) field.item.write(writer, each);
  } else if (value !== undefined) field.item.write(writer, value);
  else if (field.presence === 'required') throw new EncodeError(`${name}.${field.key}: is missing`);
}
