import { EncodeError } from '@vouchsafe/bytes/writer';
import { type AttributeName, attributeFacts, type attributeTable } from './attribute-table.ts';
import { type TagName, tags } from './tags.ts';
import { padded, uint24, uint32 } from './ttlv/check.ts';
import { type Body, type Item, item, readChecked } from './ttlv/item.ts';
import { byCode, itemTypes } from './ttlv/item-type.ts';
import type { TtlvReader } from './ttlv/reader.ts';
import { boolean, bytes, dateTime, dateTimeExtended, integer, interval, longInteger, text } from './ttlv/scalars.ts';
import { type Rank, rankOf } from './ttlv/vocabulary.ts';
import type { TtlvWriter } from './ttlv/writer.ts';

export type { AttributeName } from './attribute-table.ts';

const at = 'Attribute Value' satisfies TagName;

/** What a custom or unknown attribute may hold: any scalar, or a structure as it stands in octets. */
export type AnyValue =
  | { readonly type: 'Text String'; readonly value: string }
  | { readonly type: 'Byte String' | 'Big Integer' | 'Structure'; readonly value: Uint8Array }
  | { readonly type: 'Integer' | 'Enumeration' | 'Interval'; readonly value: number }
  /** From 2.0 on also microseconds since 1970. */
  | { readonly type: 'Long Integer' | 'Date-Time Extended'; readonly value: bigint }
  | { readonly type: 'Boolean'; readonly value: boolean }
  | { readonly type: 'Date-Time'; readonly value: Date };

type BodyValue<B> = B extends Body<infer T> ? T : never;

/** The value of an attribute of the standard. */
export type KnownValue<N extends AttributeName> = BodyValue<(typeof attributeTable)[N]['body']>;

type Known = {
  [N in AttributeName]: {
    name: N;
    index?: number | undefined;
    value: KnownValue<N>;
  };
}[AttributeName];

/**
 * An attribute that is not in the table: a custom one (`x-` by clients, `y-` by servers), one of a vendor from 2.0 on
 * (`VENDOR:name`), or one of another version.
 */
export interface OtherAttribute {
  name: CustomName | `?${string}`;
  index?: number | undefined;
  value: AnyValue;
}

/** The name of a custom attribute. */
export type CustomName = `x-${string}` | `y-${string}` | `${string}:${string}`;

/** KMIP 1.4, 2.1.1. The name decides what the value is; a name that is not understood stands with `?` in front. */
export type Attribute = Known | OtherAttribute;

const name = text('Attribute Name', 1024);
const index = integer('Attribute Index');

/** KMIP 1.4, 2.1.1: an attribute as it stands in versions 1.x. */
export const Attribute: Item<Attribute> = {
  name: 'Attribute',
  tag: tags.Attribute,
  type: itemTypes.Structure.code,
  read: readAttribute,
  write(writer, attribute) {
    const body = writer.open(tags.Attribute);
    name.write(writer, attribute.name.replace(/^\?/, ''));
    if (attribute.index !== undefined) index.write(writer, attribute.index);
    valueItem(attribute.name).write(writer, attribute.value);
    writer.close(body);
  },
  fits: isSpoken,
};

/** Whether a version has the attribute and the words of its value. */
export function isSpoken(attribute: Attribute, rank: Rank): boolean {
  const facts = attributeFacts(attribute.name);
  // A vendor's attribute has no name in versions 1.x, and what 1.x did not understand has none from 2.0 on.
  if (facts === undefined) {
    if (rank >= rankOf('2.0')) return !attribute.name.startsWith('?');
    return !isVendors(attribute.name) && (attribute.value as AnyValue).type !== 'Date-Time Extended';
  }
  if (rank < rankOf(facts.since) || (facts.until !== undefined && rank > rankOf(facts.until))) return false;
  return facts.body.fits?.(attribute.value, rank) ?? true;
}

const isVendors = (of: string): boolean => /^[^?].*:/s.test(of) && !isCustom(of);
const isCustom = (of: string): boolean => /^[xy]-/.test(of);

function readAttribute(reader: TtlvReader, from: number, length: number): Attribute {
  reader.enter(tags.Attribute);
  const end = from + length;
  const next = (at: number) => at + 8 + padded(uint32(reader.bytes, at + 4));
  const require = (at: number, tag: TagName) => {
    if (at >= end) reader.fail('missing-field', tags[tag], end, 'is missing');
    return at;
  };
  const wire = readChecked(name, reader, require(from, 'Attribute Name'));
  let here = require(next(from), 'Attribute Value');
  const indexed = uint24(reader.bytes, here) === index.tag;
  const number = indexed ? readChecked(index, reader, here) : undefined;
  if (indexed) here = require(next(here), 'Attribute Value');
  const known = localName(wire, reader.rank);
  const value = readChecked(valueItem(known), reader, here);
  if (next(here) !== end) reader.fail('malformed', tags.Attribute, next(here), 'more than name, index and value');
  reader.leave();
  return { name: known, ...(number === undefined ? {} : { index: number }), value } as Attribute;
}

/** An attribute that the version of the message does not have is one that is not understood. */
function localName(wire: string, rank: Rank): Attribute['name'] {
  const facts = attributeFacts(wire);
  const known = facts === undefined ? isCustom(wire) : rankOf(facts.since) <= rank;
  return (known ? wire : `?${wire}`) as Attribute['name'];
}

const valueItems = new Map<string, Item<unknown>>();

/** The value of an attribute under the tag Attribute Value, whatever it is (KMIP 1.4, 2.1.1). */
// biome-ignore lint/suspicious/noExplicitAny: the table relates each name to its own value
function valueItem(of: string): Item<any> {
  const facts = attributeFacts(of);
  if (facts === undefined) return anyValue;
  const made = valueItems.get(of) ?? item(at, facts.body);
  valueItems.set(of, made);
  return made;
}

const scalars = {
  Integer: integer(at),
  'Long Integer': longInteger(at),
  Boolean: boolean(at),
  'Text String': text(at),
  'Byte String': bytes(at),
  'Date-Time': dateTime(at),
  Interval: interval(at),
  'Date-Time Extended': dateTimeExtended(at),
} as const;

/** A value of any type. */
export const anyValue: Item<AnyValue> = {
  name: at,
  tag: tags[at],
  type: 0,
  read(reader, from, length) {
    const type = byCode[reader.bytes[from - 5]!]!.name;
    if (type === 'Date-Time Extended' && reader.rank < rankOf('2.0'))
      reader.fail('malformed', tags[at], from - 8, `no such item type before 2.0: ${type}`);
    const most = reader.limits.attributeValue;
    if (length > most) reader.fail('malformed', tags[at], from, `${length} bytes, limit ${most}`);
    if (type in scalars) {
      // biome-ignore lint/suspicious/noExplicitAny: the table relates each type to its own value
      const of: Item<any> = scalars[type as keyof typeof scalars];
      return { type, value: of.read(reader, from, length) } as AnyValue;
    }
    if (type === 'Enumeration') return { type, value: reader.bytes.readUInt32BE(from) };
    return { type, value: Uint8Array.from(reader.bytes.subarray(from, from + length)) } as AnyValue;
  },
  write(writer, any) {
    if (any.type in scalars) {
      // biome-ignore lint/suspicious/noExplicitAny: as above
      const of: Item<any> = scalars[any.type as keyof typeof scalars];
      return of.write(writer, any.value);
    }
    writeRaw(writer, any);
  },
};

function writeRaw(writer: TtlvWriter, any: AnyValue): void {
  const { code } = itemTypes[any.type];
  if (any.type === 'Enumeration') {
    const body = writer.item(tags[at], code, 4);
    writer.bytes.writeUInt32BE(any.value, body);
  } else if (any.value instanceof Uint8Array) {
    const body = writer.item(tags[at], code, any.value.length);
    writer.bytes.set(any.value, body);
  } else throw new EncodeError(`${at}: ${any.type} cannot be written`);
}

/** The value of the first attribute of a name. */
export function attributeValue<N extends AttributeName>(
  list: readonly Attribute[],
  wanted: N,
): KnownValue<N> | undefined {
  return list.find((each) => each.name === wanted)?.value as KnownValue<N> | undefined;
}

/** A Name attribute of the usual type. */
export const nameAttribute = (value: string): Attribute => ({
  name: 'Name',
  value: { value, type: 'Uninterpreted Text String' },
});

/** A custom attribute that holds text. */
export const customAttribute = (named: `x-${string}`, value: string): Attribute => ({
  name: named,
  value: { type: 'Text String', value },
});
