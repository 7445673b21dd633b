import type { Attribute } from '../../attribute.ts';
import { modifyAttribute as operation } from '../../operations/modify-attribute.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';

/** What one Modify Attribute may say for itself. */
export interface ModifyOptions extends CallOptions {
  /** From version 2.0 on: which one of several is meant, by its value so far. In versions 1.x its index says so. */
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
