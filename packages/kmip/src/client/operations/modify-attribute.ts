import type { Attribute } from '../../attribute.ts';
import { modifyAttribute as declared } from '../../operations/modify-attribute.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';
import { whichOne } from './which-one.ts';

const operation = whichOne(declared, ({ attribute, current }) => ({ index: attribute.index, current }));

/** What one Modify Attribute may say for itself. */
export interface ModifyOptions extends CallOptions {
  /** Which one of several is meant, by the value that it has: for versions from 2.0 on, where there is no index. */
  readonly current?: Attribute;
}

/** Gives an attribute of an object another value. */
export const modifyAttribute =
  (cluster: Cluster) =>
  async (id: string, attribute: Attribute, { current, ...options }: ModifyOptions = {}): Promise<void> => {
    const how = { id, deadline: cluster.deadline(options) };
    const answer = await cluster.send(operation, { id, current, attribute }, how);
    expectId('Modify Attribute', id, answer.id);
  };
