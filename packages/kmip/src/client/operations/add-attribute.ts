import type { Attribute } from '../../attribute.ts';
import { addAttribute as operation } from '../../operations/add-attribute.ts';
import type { Send } from '../send.ts';
import { expectId } from './expect.ts';

/** Gives an object one more attribute. */
export const addAttribute =
  (send: Send) =>
  async (id: string, attribute: Attribute): Promise<void> => {
    const answer = await send(operation, { id, attribute });
    expectId('Add Attribute', id, answer.id);
  };
