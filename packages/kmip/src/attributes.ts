import { type AnyValue, type Attribute, anyValue, isSpoken } from './attribute.ts';
import { attributeFacts, attributeTable } from './attribute-table.ts';
import { type TagName, tags } from './tags.ts';
import { padded, uint24, uint32 } from './ttlv/check.ts';
import { type Item, item, readChecked } from './ttlv/item.ts';
import { itemTypes } from './ttlv/item-type.ts';
import type { TtlvReader } from './ttlv/reader.ts';
import { text } from './ttlv/scalars.ts';
import { structure } from './ttlv/structure.ts';
import { rankOf } from './ttlv/vocabulary.ts';
import type { TtlvWriter } from './ttlv/writer.ts';

/**
 * Attributes as they stand from 2.0 on: each under a tag of its own, one after the other, without index; an attribute
 * that an object has several times stands several times (KMIP 2.1, 4).
 */

/** KMIP 2.1, 4.1.60, Vendor Attribute: what was a custom attribute in 1.x. */
const VendorAttribute = structure('Attribute', {
  vendor: text('Vendor Identification', 256),
  name: text('Attribute Name', 1024),
  value: anyValue,
});

const byTag = new Map<number, { name: Attribute['name']; item: Item<unknown> }>();
const byName = new Map<string, Item<unknown>>();
for (const name of Object.keys(attributeTable) as (keyof typeof attributeTable)[]) {
  const facts = attributeFacts(name)!;
  const own = item(facts.tag ?? (name as TagName), facts.body);
  byName.set(name, own);
  if (facts.until === undefined) byTag.set(own.tag, { name, item: own });
}

/** `x` and `y` are the vendors that stand for custom attributes of 1.x (KMIP 2.1, 4.1.60). */
export const vendorName = (vendor: string, name: string): Attribute['name'] =>
  vendor === 'x' || vendor === 'y' ? `${vendor}-${name}` : `${vendor}:${name}`;

/** Vendor and name of a custom attribute. */
export function vendorOf(name: string): { vendor: string; name: string } {
  const at = /^[xy]-/.test(name) ? 1 : name.indexOf(':');
  return { vendor: name.slice(0, at), name: name.slice(at + 1) };
}

function readOne(reader: TtlvReader, at: number): Attribute | undefined {
  const tag = uint24(reader.bytes, at);
  if (tag === tags.Attribute) {
    const { vendor, name, value } = readChecked(VendorAttribute, reader, at);
    return { name: vendorName(vendor, name), value } as Attribute;
  }
  const known = byTag.get(tag);
  if (known !== undefined) return { name: known.name, value: readChecked(known.item, reader, at) } as Attribute;
  if (!reader.lenient) reader.fail('unknown-field', tag, at, 'no such attribute');
  return undefined;
}

function writeOne(writer: TtlvWriter, attribute: Attribute): void {
  if (!isSpoken(attribute, writer.rank)) return;
  const own = byName.get(attribute.name);
  if (own !== undefined) own.write(writer, attribute.value);
  else VendorAttribute.write(writer, { ...vendorOf(attribute.name), value: attribute.value as AnyValue });
}

/** A list of attributes in a structure of this tag. */
export const AttributesAs = (name: TagName): Item<Attribute[]> => ({
  name,
  tag: tags[name],
  type: itemTypes.Structure.code,
  read(reader, from, length) {
    reader.enter(tags[name]);
    const list: Attribute[] = [];
    for (let at = from; at < from + length; at += 8 + padded(uint32(reader.bytes, at + 4))) {
      if (list.length >= reader.limits.attributes)
        reader.fail('malformed', tags[name], at, `more than ${list.length} of them`);
      const one = readOne(reader, at);
      if (one !== undefined) list.push(one);
    }
    reader.leave();
    return list;
  },
  write(writer, list) {
    const body = writer.open(tags[name]);
    for (const each of list) writeOne(writer, each);
    writer.close(body);
  },
  fits: (list, rank) => list.length === 0 || list.some((each) => isSpoken(each, rank)),
});

/** KMIP 2.1, 7.3 (Attributes). */
export const Attributes = AttributesAs('Attributes');

/** One attribute in a structure of this tag: Current Attribute and New Attribute. */
export function attributeAs(name: TagName): Item<Attribute> {
  const { read, write, ...rest } = AttributesAs(name);
  return {
    ...rest,
    read(reader, at, length) {
      const [one, ...more] = read(reader, at, length);
      if (one === undefined) return reader.fail('missing-field', tags[name], at, 'holds no attribute');
      return more.length === 0 ? one : reader.fail('malformed', tags[name], at, 'more than one attribute');
    },
    write: (writer, one) => write(writer, [one]),
    fits: (one, rank) => rank >= rankOf('2.0') && isSpoken(one, rank),
  };
}
