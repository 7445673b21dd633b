import type { Secret } from '@vouchsafe/bytes/secret';
import { Attribute } from './attribute.ts';
import { Attributes } from './attributes.ts';
import { cryptographicAlgorithm, keyCompressionType, keyFormatType } from './enums.ts';
import { KeyMaterial } from './key-material.ts';
import { KeyWrappingData } from './key-wrapping.ts';
import { tags } from './tags.ts';
import { wrongType } from './ttlv/check.ts';
import type { Item, ValueOf } from './ttlv/item.ts';
import { itemTypes } from './ttlv/item-type.ts';
import { integer, openEnumeration, secretBody } from './ttlv/scalars.ts';
import { byMajor, enclosed, optional, repeated, structure, structureBody } from './ttlv/structure.ts';

const plain = structureBody({
  material: KeyMaterial,
  attributes: byMajor(repeated(Attribute, 'attributes'), enclosed(Attributes)),
});
const wrapped = secretBody('Byte String');
const tag = tags['Key Value'];

/** The key itself and attributes that stand beside it, as its octets or in its parts. */
export interface PlainKeyValue {
  readonly material: KeyMaterial;
  readonly attributes: Attribute[];
}

/** What a key became that was wrapped; the Key Wrapping Data say how. It may be no more than authenticated. */
export interface WrappedKeyValue {
  readonly wrapped: Secret;
}

export type KeyValue = PlainKeyValue | WrappedKeyValue;

/** A Key Value that is not wrapped: what TTLV Encoding wraps (KMIP 1.4, 2.1.4). */
export const PlainKeyValue: Item<PlainKeyValue> = {
  name: 'Key Value',
  tag,
  type: plain.type,
  read: (reader, at, length) => plain.read(reader, at, length, tag),
  write: (writer, value) => plain.write(writer, tag, value),
};

/** KMIP 1.4, 2.1.4: a structure, or octets once it is wrapped. */
export const KeyValue: Item<KeyValue> = {
  name: 'Key Value',
  tag,
  type: 0,
  read(reader, at, length) {
    const type = reader.bytes[at - 5]!;
    if (type === plain.type) return plain.read(reader, at, length, tag);
    if (type === wrapped.type) return { wrapped: wrapped.read(reader, at, length, tag) };
    return reader.fail('malformed', tag, at - 8, wrongType(itemTypes.Structure.code, type));
  },
  write(writer, value) {
    if ('wrapped' in value) wrapped.write(writer, tag, value.wrapped);
    else plain.write(writer, tag, value);
  },
};

/** KMIP 1.4, 2.1.3. There is no Key Value when the server holds the key's attributes only. */
export const KeyBlock = structure('Key Block', {
  format: openEnumeration('Key Format Type', keyFormatType),
  compression: optional(openEnumeration('Key Compression Type', keyCompressionType)),
  value: optional(KeyValue),
  algorithm: optional(openEnumeration('Cryptographic Algorithm', cryptographicAlgorithm)),
  /** In bits. */
  length: optional(integer('Cryptographic Length')),
  wrapping: optional(KeyWrappingData),
});
export type KeyBlock = ValueOf<typeof KeyBlock>;
