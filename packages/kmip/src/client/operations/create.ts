import { KmipError } from '../../error.ts';
import { create as operation } from '../../operations/create.ts';
import type { Cluster } from '../cluster.ts';
import type { Once } from '../once.ts';
import type { CallOptions } from '../options.ts';
import { expectNew } from './expect.ts';
import { get } from './get.ts';
import { keyAttributes, type NewKey } from './new-key.ts';

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
          template: { names: [], attributes: [...keyAttributes(key), ...marker] },
        }),
        check({ objectType, id }) {
          if (objectType !== 'Symmetric Key') throw new KmipError('answer.invalid', `Create: a ${objectType} was made`);
          expectNew('Create', id);
        },
      },
      deadline,
    );
    if (options.verify === true)
      (await get(cluster)(id, key, { timeout: deadline - Date.now(), verify: true }))[Symbol.dispose]();
    return id;
  };
