import { destroy as operation } from '../../operations/destroy.ts';
import type { Cluster } from '../cluster.ts';
import { newTrail } from '../endpoint.ts';
import { isMissing } from '../fail-over.ts';
import type { CallOptions } from '../options.ts';
import { confirmState } from './confirm.ts';
import { expectId } from './expect.ts';

/** Destroys the material of a key that is not Active. */
export const destroy =
  (cluster: Cluster) =>
  async (id: string, options: CallOptions = {}): Promise<void> => {
    const deadline = cluster.deadline(options);
    const trail = newTrail();
    const destroyed = confirmState(cluster, id, deadline, ['Destroyed', 'Destroyed Compromised']);
    const answer = await cluster.send(
      operation,
      { id },
      {
        id,
        deadline,
        trail,
        async confirm(refusal, at) {
          // Servers forget what is destroyed. One that may never have had the key proves nothing by not having it.
          const had = at === trail.lostAt || cluster.originOf(id) !== trail.lostAt;
          return isMissing(refusal) && had ? { id } : destroyed(refusal, at);
        },
      },
    );
    expectId('Destroy', id, answer.id);
  };
