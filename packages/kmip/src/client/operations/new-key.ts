import { type Attribute, nameAttribute } from '../../attribute.ts';
import { type cryptographicAlgorithm, cryptographicUsageMask } from '../../enums.ts';

/** What a key may be used for (KMIP 1.4, 9.1.3.3.1). */
export type KeyUsage = keyof typeof cryptographicUsageMask;

/** What every new object may be given. */
export interface NewObject {
  readonly name?: string;
  /** Further attributes, custom ones (`x-`) among them. */
  readonly attributes?: readonly Attribute[];
}

/** A symmetric key to be made. */
export interface NewKey extends NewObject {
  readonly algorithm: keyof typeof cryptographicAlgorithm;
  /** In bits. */
  readonly length: number;
  readonly usage: readonly KeyUsage[];
}

export const usageMask = (usage: readonly KeyUsage[]): Attribute => ({
  name: 'Cryptographic Usage Mask',
  value: usage.reduce((sum, each) => sum | cryptographicUsageMask[each], 0),
});

export const objectAttributes = ({ name, attributes = [] }: NewObject): Attribute[] => [
  ...(name === undefined ? [] : [nameAttribute(name)]),
  ...attributes,
];

export const keyAttributes = (key: NewKey): Attribute[] => [
  { name: 'Cryptographic Algorithm', value: key.algorithm },
  { name: 'Cryptographic Length', value: key.length },
  usageMask(key.usage),
  ...objectAttributes(key),
];
