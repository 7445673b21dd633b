import { type Attribute, nameAttribute } from '../../attribute.ts';
import { type cryptographicAlgorithm, cryptographicUsageMask } from '../../enums.ts';
import { KmipError } from '../../error.ts';
import { create as operation } from '../../operations/create.ts';
import type { Send } from '../send.ts';

/** A symmetric key to be made. */
export interface NewKey {
  readonly algorithm: keyof typeof cryptographicAlgorithm;
  /** In bits. */
  readonly length: number;
  readonly usage: readonly (keyof typeof cryptographicUsageMask)[];
  readonly name?: string;
  /** Further attributes, custom ones (`x-`) among them. */
  readonly attributes?: readonly Attribute[];
}

/** Makes a key and returns its id. */
export const create =
  (send: Send) =>
  async (key: NewKey): Promise<string> => {
    const mask = key.usage.reduce((sum, usage) => sum | cryptographicUsageMask[usage], 0);
    const attributes: Attribute[] = [
      { name: 'Cryptographic Algorithm', value: key.algorithm },
      { name: 'Cryptographic Length', value: key.length },
      { name: 'Cryptographic Usage Mask', value: mask },
      ...(key.name === undefined ? [] : [nameAttribute(key.name)]),
      ...(key.attributes ?? []),
    ];
    const { objectType, id } = await send(operation, {
      objectType: 'Symmetric Key',
      template: { names: [], attributes },
    });
    if (objectType !== 'Symmetric Key') throw new KmipError('answer.invalid', `Create: a ${objectType} was made`);
    if (id === '') throw new KmipError('answer.invalid', 'Create: the new object has no id');
    return id;
  };
