import { isDeepStrictEqual } from 'node:util';
import { type Attribute, attributeValue } from '../../attribute.ts';
import { KmipError } from '../../error.ts';
import { getAttributes } from '../../operations/get-attributes.ts';
import type { Cluster } from '../cluster.ts';
import type { Endpoint } from '../endpoint.ts';
import type { State } from './state.ts';

/**
 * The object is in one of these states already, at the server that refused: then the lost answer was a success, and the
 * refusal came because it was.
 */
export const confirmState =
  (cluster: Cluster, id: string, deadline: number, states: readonly State[]) =>
  async (_: KmipError, at: Endpoint): Promise<{ id: string } | undefined> => {
    try {
      const answer = await cluster.send(getAttributes, { id, names: ['State'] }, { at, deadline });
      const state = attributeValue(answer.attributes, 'State');
      return answer.id === id && state !== undefined && states.includes(state) ? { id } : undefined;
    } catch (error) {
      // The refusal stays what the caller is told.
      if (error instanceof KmipError) return undefined;
      throw error;
    }
  };

/** The object has the attribute with this value already. */
export const hasAttribute = (list: readonly Attribute[], wanted: Attribute): boolean =>
  list.some(({ name, value }) => name === wanted.name && isDeepStrictEqual(value, wanted.value));
