import type { Attribute } from '../../attribute.ts';
import { addAttribute as operation } from '../../operations/add-attribute.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { confirmAttribute } from './confirm.ts';
import { expectId } from './expect.ts';

/** Gives an object one more attribute. */
export const addAttribute =
  (cluster: Cluster) =>
  async (id: string, attribute: Attribute, options: CallOptions = {}): Promise<void> => {
    const deadline = cluster.deadline(options);
    const confirmed = confirmAttribute(cluster, id, deadline, attribute);
    const answer = await cluster.send(
      operation,
      { id, attribute },
      { id, deadline, confirm: async (...refused) => (await confirmed(...refused)) && { id, attribute } },
    );
    expectId('Add Attribute', id, answer.id);
  };
