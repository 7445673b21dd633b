import type { Attribute } from '../../attribute.ts';
import { addAttribute as operation } from '../../operations/add-attribute.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { hasAttribute } from './confirm.ts';
import { expectId } from './expect.ts';
import { lookFirst } from './look-first.ts';

/** Gives an object one more attribute. */
export const addAttribute =
  (cluster: Cluster) =>
  async (id: string, attribute: Attribute, options: CallOptions = {}): Promise<void> => {
    const about = { id, name: attribute.name, deadline: cluster.deadline(options) };
    const added = (list: readonly Attribute[]) => hasAttribute(list, attribute);
    const answer = await lookFirst(cluster, operation, { id, attribute }, about, added);
    if (answer !== undefined) expectId('Add Attribute', id, answer.id);
  };
