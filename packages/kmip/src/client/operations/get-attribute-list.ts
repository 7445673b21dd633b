import { getAttributeList as operation } from '../../operations/get-attribute-list.ts';
import type { Send } from '../send.ts';
import { expectId } from './expect.ts';

/** The names of the attributes that an object has. */
export const getAttributeList =
  (send: Send) =>
  async (id: string): Promise<string[]> => {
    const answer = await send(operation, { id });
    expectId('Get Attribute List', id, answer.id);
    return answer.names;
  };
