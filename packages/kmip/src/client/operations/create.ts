import { type Attribute, nameAttribute } from '../../attribute.ts';
import { type cryptographicAlgorithm, cryptographicUsageMask } from '../../enums.ts';
import { KmipError } from '../../error.ts';
import { create as operation } from '../../operations/create.ts';
import type { Cluster } from '../cluster.ts';
import type { Once } from '../once.ts';
import type { CallOptions } from '../options.ts';
import { get } from './get.ts';

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

/** What one Create may say for itself. */
export interface CreateOptions extends CallOptions {
  /** Returns only once a second server has the key as well: nothing is lost when the first one is. */
  readonly verify?: boolean;
}

/**
 * Makes one key and returns its id. An answer that is lost does not make a second one: see `KmipClientOptions.marker`.
 * @throws {KmipError} with `id` when the key was made but could not be verified
 */
export const create =
  (cluster: Cluster, once: Once) =>
  async (key: NewKey, options: CreateOptions = {}): Promise<string> => {
    const deadline = cluster.deadline(options);
    const id = await once.make(
      {
        operation,
        named: key.name !== undefined,
        request: (marker) => ({
          objectType: 'Symmetric Key' as const,
          template: { names: [], attributes: [...attributesOf(key), ...marker] },
        }),
        check({ objectType, id }) {
          if (objectType !== 'Symmetric Key') throw new KmipError('answer.invalid', `Create: a ${objectType} was made`);
          if (id === '') throw new KmipError('answer.invalid', 'Create: the new object has no id');
        },
      },
      deadline,
    );
    if (options.verify === true)
      (await get(cluster)(id, key, { timeout: deadline - Date.now(), verify: true }))[Symbol.dispose]();
    return id;
  };

function attributesOf(key: NewKey): Attribute[] {
  const mask = key.usage.reduce((sum, usage) => sum | cryptographicUsageMask[usage], 0);
  return [
    { name: 'Cryptographic Algorithm', value: key.algorithm },
    { name: 'Cryptographic Length', value: key.length },
    { name: 'Cryptographic Usage Mask', value: mask },
    ...(key.name === undefined ? [] : [nameAttribute(key.name)]),
    ...(key.attributes ?? []),
  ];
}
