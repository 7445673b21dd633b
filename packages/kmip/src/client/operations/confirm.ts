import { isDeepStrictEqual } from 'node:util';
import { type Attribute, attributeValue } from '../../attribute.ts';
import { KmipError } from '../../error.ts';
import { getAttributes } from '../../operations/get-attributes.ts';
import type { Cluster } from '../cluster.ts';
import type { Endpoint } from '../endpoint.ts';
import type { State } from './state.ts';

type Confirm = (refusal: KmipError, at: Endpoint) => Promise<{ id: string } | undefined>;

/** Whether the server that refused shows what the operation was to bring about: then the lost answer was a success. */
const confirmBy =
  (cluster: Cluster, id: string, deadline: number, name: Attribute['name'], holds: (list: Attribute[]) => boolean) =>
  async (_: KmipError, at: Endpoint): Promise<{ id: string } | undefined> => {
    try {
      const answer = await cluster.send(getAttributes, { id, names: [name] }, { at, deadline });
      return answer.id === id && holds(answer.attributes) ? { id } : undefined;
    } catch (error) {
      // The refusal stays what the caller is told.
      if (error instanceof KmipError) return undefined;
      throw error;
    }
  };

/** The object is in one of these states already. */
export const confirmState = (cluster: Cluster, id: string, deadline: number, states: readonly State[]): Confirm =>
  confirmBy(cluster, id, deadline, 'State', (list) => {
    const state = attributeValue(list, 'State');
    return state !== undefined && states.includes(state);
  });

/** The object has the attribute with this value already. */
export const hasAttribute = (list: readonly Attribute[], wanted: Attribute): boolean =>
  list.some(({ name, value }) => name === wanted.name && isDeepStrictEqual(value, wanted.value));

export const confirmAttribute = (cluster: Cluster, id: string, deadline: number, wanted: Attribute): Confirm =>
  confirmBy(cluster, id, deadline, wanted.name, (list) => hasAttribute(list, wanted));
