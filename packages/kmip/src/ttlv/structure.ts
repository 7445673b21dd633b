import { EncodeError } from '@vouchsafe/bytes/writer';
import { limits } from '../limits.ts';
import { type TagName, tagName } from '../tags.ts';
import { padded, uint24, uint32, wrongType } from './check.ts';
import { type Body, type Item, item, type ValueOf } from './item.ts';
import { itemTypes } from './item-type.ts';
import type { TtlvReader } from './reader.ts';
import { lastOfMajor1, newestRank, type Rank, rankOf, type VersionName, versionNames } from './vocabulary.ts';
import type { TtlvWriter } from './writer.ts';

/** A field that may be left out. */
export interface Optional<T> {
  readonly presence: 'optional';
  readonly item: Item<T>;
}

/** A field that may stand any number of times, up to a limit. */
export interface Repeated<T> {
  readonly presence: 'repeated';
  readonly item: Item<T>;
  readonly max: Most;
}

/** How many there may be: a number, or a limit that whoever reads sets. */
export type Most = number | 'attributes' | 'batch' | 'located';

/** A list in a structure of its own, which is left out when the list is empty. */
export interface Enclosed<T> {
  readonly presence: 'enclosed';
  readonly item: Item<T[]>;
  readonly whenEmpty: 'written' | 'left out';
}

/** The structure may be left out: the list is empty then. An empty one is written or left out. */
export const enclosed = <T>(item: Item<T[]>, whenEmpty: Enclosed<T>['whenEmpty'] = 'left out'): Enclosed<T> => ({
  presence: 'enclosed',
  item,
  whenEmpty,
});

/** The field may be left out. */
export const optional = <T>(item: Item<T>): Optional<T> => ({ presence: 'optional', item });

/** The field may stand up to `max` times. */
export const repeated = <T>(item: Item<T>, max: Most): Repeated<T> => ({ presence: 'repeated', item, max });

/** A field that only some versions have; in the others it is neither read nor written. */
export interface Ranged<F> {
  readonly presence: 'ranged';
  readonly field: F;
  readonly from: Rank;
  readonly to: Rank;
}

/** The field is there from this version on. */
export const since = <F>(version: VersionName, field: F): Ranged<F> => ({
  presence: 'ranged',
  field,
  from: rankOf(version),
  to: newestRank,
});

/** The field is there up to this version. */
export const until = <F>(version: VersionName, field: F): Ranged<F> => ({
  presence: 'ranged',
  field,
  from: 0,
  to: rankOf(version),
});

/** The field stands in one way in versions 1.x and in another from 2.0 on; its value is the same. */
export interface ByMajor<F> {
  readonly presence: 'by-major';
  readonly one: F;
  readonly two: AnyField;
}

/** The field stands as `one` in versions 1.x and as `two` from 2.0 on. */
export const byMajor = <F>(one: F, two: AnyField): ByMajor<F> => ({ presence: 'by-major', one, two });

// biome-ignore lint/suspicious/noExplicitAny: items are invariant, a record of unlike items has no narrower type
type AnyField = Item<any> | Optional<any> | Repeated<any> | Enclosed<any> | Ranged<any> | ByMajor<any>;
type Fields = Record<string, AnyField>;

type Present<F> = F extends { presence: 'optional' | 'ranged' }
  ? false
  : F extends ByMajor<infer G>
    ? Present<G>
    : true;
type FieldValue<F> = F extends Repeated<infer T> | Enclosed<infer T>
  ? T[]
  : F extends Optional<infer T>
    ? T
    : F extends Ranged<infer G>
      ? FieldValue<G>
      : F extends ByMajor<infer G>
        ? FieldValue<G>
        : ValueOf<F>;

/** The type of a structure. Fields that some versions lack may be left out in all. */
export type Structure<F> = {
  [K in keyof F as Present<F[K]> extends true ? K : never]: FieldValue<F[K]>;
} & {
  [K in keyof F as Present<F[K]> extends true ? never : K]?: FieldValue<F[K]> | undefined;
};

interface Row {
  readonly key: string;
  readonly item: Item<unknown>;
  readonly tag: number;
  readonly tags: readonly number[] | undefined;
  readonly presence: 'required' | 'optional' | 'repeated' | 'enclosed';
  readonly max: Most;
  readonly leftOut: boolean;
  /** Whether the version has the words for a value; left out when it has those for all. */
  readonly fits: ((value: unknown) => boolean) | undefined;
}

/** The fields of a structure as a version has them. */
interface Layout {
  readonly rows: readonly Row[];
  /** Keys of the fields that are lists. */
  readonly lists: readonly string[];
  readonly fitsAll: boolean;
}

/** Fields one after the other, in the order of the standard (KMIP 1.4, 9.1.2: order is significant). */
export const structure = <const F extends Fields>(name: TagName, fields: F): Item<Structure<F>> =>
  item(name, structureBody(fields));

/** What a structure of these fields says apart from its tag. */
export function structureBody<const F extends Fields>(fields: F): Body<Structure<F>> {
  const byRank: Layout[] = [];
  const at = (rank: Rank): Layout => {
    byRank[rank] ??= layout(fields, rank);
    return byRank[rank];
  };
  return {
    type: itemTypes.Structure.code,
    read: (reader, from, length, tag) => readFields(reader, tag, at(reader.rank), from, from + length) as Structure<F>,
    write(writer, tag, value) {
      const body = writer.open(tag);
      for (const each of at(writer.rank).rows) writeField(each, (value as Values)[each.key], tag, writer);
      writer.close(body);
    },
    fits: (value, rank) =>
      at(rank).rows.every(
        ({ key, fits, presence }) => presence !== 'required' || (fits?.((value as Values)[key]) ?? true),
      ),
    fitsAll: (rank) => at(rank).fitsAll,
  };
}

type Values = Readonly<Record<string, unknown>>;

function layout(fields: Fields, rank: Rank): Layout {
  const rows = Object.entries(fields).flatMap(([key, field]) => row(key, field, rank));
  return {
    rows,
    lists: rows.flatMap(({ key, presence }) => (presence === 'repeated' || presence === 'enclosed' ? [key] : [])),
    fitsAll: rows.every(({ presence, fits }) => presence !== 'required' || fits === undefined),
  };
}

function fitsOf(item: Item<unknown>, rank: Rank): Row['fits'] {
  if (item.fits === undefined || item.fitsAll?.(rank) === true) return undefined;
  return (value) => item.fits!(value, rank);
}

function rowOf(
  key: string,
  item: Item<unknown>,
  presence: Row['presence'],
  max: Most,
  leftOut: boolean,
  rank: Rank,
): Row {
  return { key, item, tag: item.tag, tags: item.tags, presence, max, leftOut, fits: fitsOf(item, rank) };
}

/** The field as it stands in a version; nothing when that version does not have it. */
function row(key: string, field: AnyField, rank: Rank): Row[] {
  if (!('presence' in field)) return [rowOf(key, field, 'required', 1, false, rank)];
  if (field.presence === 'ranged') return field.from <= rank && rank <= field.to ? row(key, field.field, rank) : [];
  if (field.presence === 'by-major') return row(key, rank <= lastOfMajor1 ? field.one : field.two, rank);
  const leftOut = field.presence === 'enclosed' && field.whenEmpty === 'left out';
  return [rowOf(key, field.item, field.presence, 'max' in field ? field.max : 1, leftOut, rank)];
}

function readFields(reader: TtlvReader, tag: number, { rows, lists }: Layout, from: number, end: number): unknown {
  reader.enter(tag);
  const value: Record<string, unknown> = {};
  for (const key of lists) value[key] = [];
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

const isTagOf = (of: Row, tag: number): boolean => of.tag === tag || of.tags?.includes(tag) === true;

/** Which field stands here; -1 for one to be ignored. */
function find(reader: TtlvReader, rows: readonly Row[], next: number, at: number): number {
  const tag = uint24(reader.bytes, at);
  for (let i = next; i < rows.length; i++) if (isTagOf(rows[i]!, tag)) return i;
  if (rows.some((each) => isTagOf(each, tag))) reader.fail('malformed', tag, at, 'repeated, or not in its place');
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
  if (read === undefined && field.presence !== 'optional')
    reader.fail('unknown-value', item.tag, at, 'a reference cannot stand here');
  if (field.presence !== 'repeated') {
    value[field.key] = read;
    return;
  }
  const list = value[field.key] as unknown[];
  const max = typeof field.max === 'number' ? field.max : reader.limits[field.max];
  if (list.length >= max) reader.fail('malformed', item.tag, at, `more than ${max} of them`);
  list.push(read);
}

/** What the version has no words for is left out, so that a peer is never told of what came after its version. */
function writeField(field: Row, value: unknown, tag: number, writer: TtlvWriter): void {
  const { item, fits, presence } = field;
  if (presence === 'repeated' || presence === 'enclosed') {
    writeList(field, (value ?? []) as unknown[], tag, writer);
  } else if (value === undefined) {
    if (presence === 'required') throw new EncodeError(`${tagName(tag)}.${field.key}: is missing`);
  } else if (fits === undefined || fits(value)) item.write(writer, value);
  else if (presence === 'required')
    throw new EncodeError(`${tagName(tag)}.${field.key}: version ${versionNames[writer.rank]} has no words for it`);
}

function writeList(field: Row, list: unknown[], tag: number, writer: TtlvWriter): void {
  const { item, fits } = field;
  if (field.presence === 'enclosed') {
    if (!field.leftOut || (list.length > 0 && (fits === undefined || fits(list)))) item.write(writer, list);
    return;
  }
  const max = typeof field.max === 'number' ? field.max : limits[field.max];
  if (list.length > max) throw new EncodeError(`${tagName(tag)}.${field.key}: ${list.length} items, limit ${max}`);
  for (const each of list) if (fits === undefined || fits(each)) item.write(writer, each);
}
