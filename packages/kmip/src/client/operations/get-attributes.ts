import type { Attribute, AttributeName } from '../../attribute.ts';
import { getAttributes as operation } from '../../operations/get-attributes.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';

/** The attributes of an object; all of them when no names are given. Ones it does not have are left out. */
export const getAttributes =
  (cluster: Cluster) =>
  async (
    id: string,
    names: readonly (AttributeName | `x-${string}`)[] = [],
    options: CallOptions = {},
  ): Promise<Attribute[]> => {
    const how = { id, deadline: cluster.deadline(options) };
    const answer = await cluster.send(operation, { id, names: [...names] }, how);
    expectId('Get Attributes', id, answer.id);
    return answer.attributes;
  };
