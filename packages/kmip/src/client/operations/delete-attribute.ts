import type { AttributeName } from '../../attribute.ts';
import { KmipError } from '../../error.ts';
import { deleteAttribute as operation } from '../../operations/delete-attribute.ts';
import { getAttributes } from '../../operations/get-attributes.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';

/** What one Delete Attribute may say for itself. */
export interface DeleteOptions extends CallOptions {
  /** Which one of several, in versions 1.x. Default: the first, index 0. */
  readonly index?: number;
}

/** Takes an attribute from an object. */
export const deleteAttribute =
  (cluster: Cluster) =>
  async (id: string, name: AttributeName | `x-${string}`, options: DeleteOptions = {}): Promise<void> => {
    const deadline = cluster.deadline(options);
    const request = { id, name, index: options.index };
    try {
      const answer = await cluster.send(operation, request, { id, deadline, recoverable: true });
      expectId('Delete Attribute', id, answer.id);
    } catch (error) {
      if (!(error instanceof KmipError && error.code === 'outcome.unknown')) throw error;
      // Sent twice it could take the next one of several: whether it is gone is looked at instead.
      const { attributes } = await cluster.send(getAttributes, { id, names: [name] }, { id, deadline });
      if (attributes.length > 0) throw error;
    }
  };
