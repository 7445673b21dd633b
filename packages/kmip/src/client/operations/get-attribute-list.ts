import { getAttributeList as operation } from '../../operations/get-attribute-list.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';

/** The names of the attributes that an object has. */
export const getAttributeList =
  (cluster: Cluster) =>
  async (id: string, options: CallOptions = {}): Promise<string[]> => {
    const answer = await cluster.send(operation, { id }, { id, deadline: cluster.deadline(options) });
    expectId('Get Attribute List', id, answer.id);
    return answer.names;
  };
