import { Secret } from '@vouchsafe/bytes/secret';
import { recommendedCurve } from './enums.ts';
import { tags } from './tags.ts';
import { wrongType } from './ttlv/check.ts';
import type { Item } from './ttlv/item.ts';
import { itemTypes } from './ttlv/item-type.ts';
import { bigInteger, bytes, openEnumeration, secret, secretBigInteger, secretBody } from './ttlv/scalars.ts';
import { optional, type Structure, structureBody } from './ttlv/structure.ts';

const parts = {
  key: optional(secret('Key')),
  curve: optional(openEnumeration('Recommended Curve', recommendedCurve)),
  d: optional(secretBigInteger('D')),
  qString: optional(bytes('Q String')),
  modulus: optional(bigInteger('Modulus')),
  privateExponent: optional(secretBigInteger('Private Exponent')),
  publicExponent: optional(bigInteger('Public Exponent')),
  p: optional(secretBigInteger('P')),
  q: optional(secretBigInteger('Q')),
  g: optional(bigInteger('G')),
  j: optional(bigInteger('J')),
  x: optional(secretBigInteger('X')),
  y: optional(bigInteger('Y')),
  primeExponentP: optional(secretBigInteger('Prime Exponent P')),
  primeExponentQ: optional(secretBigInteger('Prime Exponent Q')),
  crtCoefficient: optional(secretBigInteger('CRT Coefficient')),
} as const;

/**
 * KMIP 1.4, 2.1.7: a key in its parts; its Key Format Type says which of them there are. Numbers are Big Integers, and
 * those that only the owner of a private key knows are secret. `d` is the private number of elliptic curves, `x` that
 * of DSA and DH, `qString` the public point in the octets of SEC 1.
 */
export type TransparentKey = Structure<typeof parts>;

/** A key as the octets of its format, or in its parts. */
export type KeyMaterial = Secret | TransparentKey;

const transparent = structureBody(parts);
const opaque = secretBody('Byte String');
const tag = tags['Key Material'];

/** KMIP 1.4, 2.1.4, table 8: octets, or a structure when the Key Format Type is a transparent one. */
export const KeyMaterial: Item<KeyMaterial> = {
  name: 'Key Material',
  tag,
  type: 0,
  read(reader, at, length) {
    const type = reader.bytes[at - 5]!;
    if (type === transparent.type) return transparent.read(reader, at, length, tag);
    if (type === opaque.type) return opaque.read(reader, at, length, tag);
    return reader.fail('malformed', tag, at - 8, wrongType(itemTypes['Byte String'].code, type));
  },
  write(writer, material) {
    if (material instanceof Secret) opaque.write(writer, tag, material);
    else transparent.write(writer, tag, material);
  },
};

/** Wipes what is secret of a key. */
export function wipeMaterial(material: KeyMaterial): void {
  const secrets = material instanceof Secret ? [material] : Object.values(material);
  for (const each of secrets) if (each instanceof Secret) each[Symbol.dispose]();
}
