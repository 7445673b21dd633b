import { EncodeError } from '@vouchsafe/bytes/writer';
import { cryptographicAlgorithm, nameType, objectType, revocationReasonCode, state } from './enums.ts';
import { type TagName, tags } from './tags.ts';
import { padded, uint24, uint32 } from './ttlv/check.ts';
import { type Item, readChecked, type ValueOf } from './ttlv/item.ts';
import { byCode, itemTypes } from './ttlv/item-type.ts';
import type { TtlvReader } from './ttlv/reader.ts';
import {
  boolean,
  bytes,
  dateTime,
  enumeration,
  integer,
  interval,
  longInteger,
  openEnumeration,
  text,
} from './ttlv/scalars.ts';
import { optional, structure } from './ttlv/structure.ts';
import type { TtlvWriter } from './ttlv/writer.ts';

const at = 'Attribute Value' satisfies TagName;

/** Inside an Attribute, the value carries the tag Attribute Value whatever it is (KMIP 1.4, 2.1.1). */
const NameValue = structure(at, {
  value: text('Name Value', 1024),
  type: enumeration('Name Type', nameType),
});
const RevocationReasonValue = structure(at, {
  code: enumeration('Revocation Reason Code', revocationReasonCode),
  message: optional(text('Revocation Message', 1024)),
});

/** The attributes of KMIP 1.4, section 3, that are understood here, and how their values stand. */
export const attributes = {
  'Unique Identifier': text(at, 1024),
  Name: NameValue,
  'Object Type': enumeration(at, objectType),
  'Cryptographic Algorithm': openEnumeration(at, cryptographicAlgorithm),
  'Cryptographic Length': integer(at),
  'Cryptographic Usage Mask': integer(at),
  'Operation Policy Name': text(at, 1024),
  'Lease Time': interval(at),
  State: enumeration(at, state),
  'Initial Date': dateTime(at),
  'Activation Date': dateTime(at),
  'Process Start Date': dateTime(at),
  'Protect Stop Date': dateTime(at),
  'Deactivation Date': dateTime(at),
  'Destroy Date': dateTime(at),
  'Compromise Occurrence Date': dateTime(at),
  'Compromise Date': dateTime(at),
  'Revocation Reason': RevocationReasonValue,
  'Archive Date': dateTime(at),
  'Object Group': text(at, 1024),
  'Contact Information': text(at, 1024),
  'Last Change Date': dateTime(at),
  Fresh: boolean(at),
  Sensitive: boolean(at),
  'Always Sensitive': boolean(at),
  Extractable: boolean(at),
  'Never Extractable': boolean(at),
} as const;

/** The name of an attribute that is understood. */
export type AttributeName = keyof typeof attributes;

/** What a custom or unknown attribute may hold: any scalar, or a structure as it stands in octets. */
export type AnyValue =
  | { readonly type: 'Text String'; readonly value: string }
  | { readonly type: 'Byte String' | 'Big Integer' | 'Structure'; readonly value: Uint8Array }
  | { readonly type: 'Integer' | 'Enumeration' | 'Interval'; readonly value: number }
  | { readonly type: 'Long Integer'; readonly value: bigint }
  | { readonly type: 'Boolean'; readonly value: boolean }
  | { readonly type: 'Date-Time'; readonly value: Date };

type Known = {
  [N in AttributeName]: { name: N; index?: number | undefined; value: ValueOf<(typeof attributes)[N]> };
}[AttributeName];

/** An attribute that is not in the table: a custom one (`x-` by clients, `y-` by servers) or one of another version. */
export interface OtherAttribute {
  name: `x-${string}` | `y-${string}` | `?${string}`;
  index?: number | undefined;
  value: AnyValue;
}

/** KMIP 1.4, 2.1.1. The name decides what the value is; a name that is not understood stands with `?` in front. */
export type Attribute = Known | OtherAttribute;

const name = text('Attribute Name', 1024);
const index = integer('Attribute Index');

/** KMIP 1.4, 2.1.1. */
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
};

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
  const known = localName(wire);
  const value = readChecked(valueItem(known), reader, here);
  if (next(here) !== end) reader.fail('malformed', tags.Attribute, next(here), 'more than name, index and value');
  reader.leave();
  return { name: known, ...(number === undefined ? {} : { index: number }), value } as Attribute;
}

const localName = (wire: string): Attribute['name'] =>
  Object.hasOwn(attributes, wire) || /^[xy]-/.test(wire) ? (wire as Attribute['name']) : `?${wire}`;

// biome-ignore lint/suspicious/noExplicitAny: the table relates each name to its own value
const valueItem = (of: string): Item<any> =>
  Object.hasOwn(attributes, of) ? attributes[of as AttributeName] : anyValue;

const scalars = {
  Integer: integer(at),
  'Long Integer': longInteger(at),
  Boolean: boolean(at),
  'Text String': text(at, 8192),
  'Byte String': bytes(at, 8192),
  'Date-Time': dateTime(at),
  Interval: interval(at),
} as const;

/** A value of any type. */
const anyValue: Item<AnyValue> = {
  name: at,
  tag: tags[at],
  type: 0,
  read(reader, from, length) {
    const type = byCode[reader.bytes[from - 5]!]!.name;
    if (type in scalars) {
      // biome-ignore lint/suspicious/noExplicitAny: the table relates each type to its own value
      const of: Item<any> = scalars[type as keyof typeof scalars];
      return { type, value: of.read(reader, from, length) } as AnyValue;
    }
    if (length > 8192) reader.fail('malformed', tags[at], from, `${length} bytes, limit 8192`);
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
): ValueOf<(typeof attributes)[N]> | undefined {
  return list.find((each) => each.name === wanted)?.value as ValueOf<(typeof attributes)[N]> | undefined;
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
