import { Attribute } from './attribute.ts';
import { cryptographicAlgorithm, keyCompressionType, keyFormatType } from './enums.ts';
import { limits } from './limits.ts';
import type { ValueOf } from './ttlv/item.ts';
import { integer, openEnumeration, secret } from './ttlv/scalars.ts';
import { optional, repeated, structure } from './ttlv/structure.ts';

/** KMIP 1.4, 2.1.4: the key itself, and attributes that some servers put beside it. */
export const KeyValue = structure('Key Value', {
  material: secret('Key Material'),
  attributes: repeated(Attribute, limits.attributes),
});

/** KMIP 1.4, 2.1.3. Wrapped keys are not read yet: their Key Value is a Byte String. */
export const KeyBlock = structure('Key Block', {
  format: openEnumeration('Key Format Type', keyFormatType),
  compression: optional(openEnumeration('Key Compression Type', keyCompressionType)),
  value: KeyValue,
  algorithm: optional(openEnumeration('Cryptographic Algorithm', cryptographicAlgorithm)),
  length: optional(integer('Cryptographic Length')),
});
export type KeyBlock = ValueOf<typeof KeyBlock>;

/** KMIP 1.4, 2.2.2. */
export const SymmetricKey = structure('Symmetric Key', { block: KeyBlock });
export type SymmetricKey = ValueOf<typeof SymmetricKey>;
