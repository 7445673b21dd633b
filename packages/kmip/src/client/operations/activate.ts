import { activate as operation } from '../../operations/activate.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { confirmState } from './confirm.ts';
import { expectId } from './expect.ts';

/** Makes a Pre-Active key Active. */
export const activate =
  (cluster: Cluster) =>
  async (id: string, options: CallOptions = {}): Promise<void> => {
    const deadline = cluster.deadline(options);
    const confirm = confirmState(cluster, id, deadline, ['Active']);
    const answer = await cluster.send(operation, { id }, { id, deadline, confirm });
    expectId('Activate', id, answer.id);
  };
