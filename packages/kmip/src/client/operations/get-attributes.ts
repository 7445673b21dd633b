import type { Attribute, AttributeName } from '../../attribute.ts';
import { getAttributes as operation } from '../../operations/get-attributes.ts';
import type { Send } from '../send.ts';
import { expectId } from './expect.ts';

/** The attributes of an object; all of them when no names are given. Ones it does not have are left out. */
export const getAttributes =
  (send: Send) =>
  async (id: string, names: readonly (AttributeName | `x-${string}`)[] = []): Promise<Attribute[]> => {
    const answer = await send(operation, { id, names: [...names] });
    expectId('Get Attributes', id, answer.id);
    return answer.attributes;
  };
