import { destroy as operation } from '../../operations/destroy.ts';
import type { Send } from '../send.ts';
import { expectId } from './expect.ts';

/** Destroys the material of a key that is not Active. */
export const destroy =
  (send: Send) =>
  async (id: string): Promise<void> => {
    const answer = await send(operation, { id });
    expectId('Destroy', id, answer.id);
  };
