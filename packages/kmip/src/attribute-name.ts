import { attributeFacts, attributeTable } from './attribute-table.ts';
import { vendorName, vendorOf } from './attributes.ts';
import { type TagName, tagName, tags } from './tags.ts';
import { wrongType } from './ttlv/check.ts';
import type { Item } from './ttlv/item.ts';
import { itemTypes } from './ttlv/item-type.ts';
import { text } from './ttlv/scalars.ts';
import { type ByMajor, byMajor, optional, repeated, structureBody } from './ttlv/structure.ts';
import { type Rank, rankOf } from './ttlv/vocabulary.ts';

/** Whether a version has the name of an attribute. */
function isNamed(name: string, rank: Rank): boolean {
  const facts = attributeFacts(name);
  if (facts !== undefined)
    return rank >= rankOf(facts.since) && (facts.until === undefined || rank <= rankOf(facts.until));
  const custom = /^[xy]-/.test(name);
  return rank < rankOf('2.0') ? custom || name.startsWith('?') : custom || name.includes(':');
}

const wire = text('Attribute Name', 1024);

/** The name of an attribute as it stands in versions 1.x. */
const AttributeName: Item<string> = {
  ...wire,
  write: (writer, name) => wire.write(writer, name.replace(/^\?/, '')),
  fits: isNamed,
};

const vendorReference = structureBody({ vendor: text('Vendor Identification', 256), name: wire });
const reference = tags['Attribute Reference'];
const { Structure, Enumeration } = itemTypes;
const tagOf = new Map(
  Object.keys(attributeTable).map((name) => [name, tags[attributeFacts(name)!.tag ?? (name as TagName)]]),
);
const nameOf = new Map<number, string>([...tagOf].map(([name, tag]) => [tag, name]));

/** KMIP 2.1, 7.2: the tag of an attribute as an enumeration, or vendor and name of a vendor's attribute. */
const AttributeReference: Item<string> = {
  name: 'Attribute Reference',
  tag: reference,
  type: 0,
  read(reader, at, length) {
    const type = reader.bytes[at - 5]!;
    if (type === Structure.code) {
      const { vendor, name } = vendorReference.read(reader, at, length, reference);
      return vendorName(vendor, name);
    }
    if (type !== Enumeration.code) reader.fail('malformed', reference, at - 8, wrongType(Enumeration.code, type));
    const tag = reader.bytes.readUInt32BE(at);
    return nameOf.get(tag) ?? reader.fail('unknown-value', reference, at, `no attribute has the tag ${tagName(tag)}`);
  },
  write(writer, name) {
    const tag = tagOf.get(name);
    if (tag === undefined) return vendorReference.write(writer, reference, vendorOf(name));
    const at = writer.item(reference, Enumeration.code, 4);
    writer.bytes.writeUInt32BE(tag, at);
  },
  fits: isNamed,
};

/** The name of an attribute, in the words of either major version. */
export const attributeName: ByMajor<Item<string>> = byMajor(AttributeName, AttributeReference);
/** The same, when it may be left out. */
export const optionalAttributeName = byMajor(optional(AttributeName), optional(AttributeReference));
/** Names of attributes. */
export const attributeNames = byMajor(
  repeated(AttributeName, 'attributes'),
  repeated(AttributeReference, 'attributes'),
);
