import type { Attribute, AttributeName } from '../../attribute.ts';
import { deleteAttribute as declared } from '../../operations/delete-attribute.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';
import { lookFirst } from './look-first.ts';
import { whichOne } from './which-one.ts';

const operation = whichOne(declared, ({ index }) => ({ index, current: undefined }));

/** What one Delete Attribute may say for itself. */
export interface DeleteOptions extends CallOptions {
  /** Which one of several, in versions 1.x only. Default: the first, index 0. */
  readonly index?: number;
}

/**
 * Takes an attribute from an object.
 * @throws {KmipError} `outcome.unknown` when the answer was lost and the object has one of this name
 */
export const deleteAttribute =
  (cluster: Cluster) =>
  async (id: string, name: AttributeName | `x-${string}`, { index, ...options }: DeleteOptions = {}): Promise<void> => {
    const about = { id, name, deadline: cluster.deadline(options) };
    const request = { id, name, index };
    // One that is there may be the next of several.
    const gone = (list: readonly Attribute[]) => (list.length === 0 ? true : undefined);
    const answer = await lookFirst(cluster, operation, request, about, gone);
    if (answer !== undefined) expectId('Delete Attribute', id, answer.id);
  };
