import { activate as operation } from '../../operations/activate.ts';
import type { Send } from '../send.ts';
import { expectId } from './expect.ts';

/** Makes a Pre-Active key Active. */
export const activate =
  (send: Send) =>
  async (id: string): Promise<void> => {
    const answer = await send(operation, { id });
    expectId('Activate', id, answer.id);
  };
