import { Secret } from '@vouchsafe/bytes/secret';
import { EncodeError } from '@vouchsafe/bytes/writer';
import { Attribute } from './attribute.ts';
import { certificateType, secretDataType, splitKeyMethod } from './enums.ts';
import { KeyBlock } from './key-block.ts';
import { wipeMaterial } from './key-material.ts';
import { type TagName, tags } from './tags.ts';
import { uint24 } from './ttlv/check.ts';
import type { Item, ValueOf } from './ttlv/item.ts';
import { itemTypes } from './ttlv/item-type.ts';
import { bigInteger, bytes, integer, openEnumeration, secret } from './ttlv/scalars.ts';
import { optional, repeated, structure } from './ttlv/structure.ts';
import { lastOfMajor1, newestRank, type Rank, rankOf } from './ttlv/vocabulary.ts';

/** KMIP 1.4, 2.2.1. */
export const Certificate = structure('Certificate', {
  certificateType: openEnumeration('Certificate Type', certificateType),
  /** DER of an X.509 certificate. */
  value: bytes('Certificate Value'),
});
/** KMIP 1.4, 2.2.2. */
export const SymmetricKey = structure('Symmetric Key', { block: KeyBlock });
/** KMIP 1.4, 2.2.3. */
export const PublicKey = structure('Public Key', { block: KeyBlock });
/** KMIP 1.4, 2.2.4. */
export const PrivateKey = structure('Private Key', { block: KeyBlock });
/** KMIP 1.4, 2.2.5. */
export const SplitKey = structure('Split Key', {
  parts: integer('Split Key Parts'),
  partId: integer('Key Part Identifier'),
  threshold: integer('Split Key Threshold'),
  method: openEnumeration('Split Key Method', splitKeyMethod),
  primeFieldSize: optional(bigInteger('Prime Field Size')),
  block: KeyBlock,
});
/** KMIP 1.4, 2.2.6; deprecated since 1.3, gone in 2.0. */
export const Template = structure('Template', { attributes: repeated(Attribute, 'attributes') });
/** KMIP 1.4, 2.2.7. */
export const SecretData = structure('Secret Data', {
  secretType: openEnumeration('Secret Data Type', secretDataType),
  block: KeyBlock,
});
/** KMIP 1.4, 2.2.8. */
export const OpaqueObject = structure('Opaque Object', {
  opaqueType: openEnumeration('Opaque Data Type', {}),
  value: secret('Opaque Data Value'),
});
/** KMIP 1.4, 2.2.9. */
export const PgpKey = structure('PGP Key', { version: integer('PGP Key Version'), block: KeyBlock });

const first = rankOf('1.0');

/** How each type of object stands, and the versions that have it. */
const kinds = {
  Certificate: { item: Certificate, from: first, to: newestRank },
  'Symmetric Key': { item: SymmetricKey, from: first, to: newestRank },
  'Public Key': { item: PublicKey, from: first, to: newestRank },
  'Private Key': { item: PrivateKey, from: first, to: newestRank },
  'Split Key': { item: SplitKey, from: first, to: newestRank },
  Template: { item: Template, from: first, to: lastOfMajor1 },
  'Secret Data': { item: SecretData, from: first, to: newestRank },
  'Opaque Object': { item: OpaqueObject, from: first, to: newestRank },
  'PGP Key': { item: PgpKey, from: rankOf('1.2'), to: newestRank },
} as const;

/** The types of objects that have contents here. */
export type ManagedObjectType = keyof typeof kinds;

/** The contents of an object, and which type they are. */
export type ManagedObject = {
  [T in ManagedObjectType]: { type: T } & ValueOf<(typeof kinds)[T]['item']>;
}[ManagedObjectType];

/** An object that is a key or is kept as one. */
export type KeyObject = Extract<ManagedObject, { block: KeyBlock }>;

const byTag = new Map<number, ManagedObjectType>(
  (Object.keys(kinds) as ManagedObjectType[]).map((type) => [tags[type satisfies TagName], type]),
);

/** KMIP 1.4, 2.2: any object; its tag says which. */
export const ManagedObject: Item<ManagedObject> = {
  name: 'Symmetric Key',
  tag: tags['Symmetric Key'],
  tags: [...byTag.keys()],
  type: itemTypes.Structure.code,
  read(reader, at, length) {
    const tag = uint24(reader.bytes, at - 8);
    const type = byTag.get(tag)!;
    if (!hasType(type, reader.rank)) reader.fail('unknown-field', tag, at - 8, 'no such object in this version');
    return { type, ...kinds[type].item.read(reader, at, length) } as ManagedObject;
  },
  write(writer, object) {
    if (!hasType(object.type, writer.rank)) throw new EncodeError(`${object.type}: not in the version of the message`);
    (kinds[object.type].item as Item<unknown>).write(writer, object);
  },
  fits: (object, rank) => hasType(object.type, rank),
  fitsAll: (rank) => Object.values(kinds).every(({ from, to }) => from <= rank && rank <= to),
};

/** Whether a version has objects of this type. */
export const hasType = (type: ManagedObjectType, rank: Rank): boolean =>
  kinds[type].from <= rank && rank <= kinds[type].to;

/** The octets of a key that is not wrapped and does not come in its parts. */
export function keyOctets(object: ManagedObject): Secret | undefined {
  const value = 'block' in object ? object.block.value : undefined;
  return value !== undefined && 'material' in value && value.material instanceof Secret ? value.material : undefined;
}

/** Wipes what is secret of an object. */
export function wipeObject(object: ManagedObject): void {
  if (object.type === 'Opaque Object') object.value[Symbol.dispose]();
  const value = 'block' in object ? object.block.value : undefined;
  if (value === undefined) return;
  if ('wrapped' in value) value.wrapped[Symbol.dispose]();
  else wipeMaterial(value.material);
}
