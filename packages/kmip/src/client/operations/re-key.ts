import { reKey as operation } from '../../operations/re-key.ts';
import type { Cluster } from '../cluster.ts';
import type { Once } from '../once.ts';
import type { CallOptions } from '../options.ts';
import { expectNew } from './expect.ts';
import { type NewObject, objectAttributes } from './new-key.ts';

/** How the new key differs from the one it replaces. */
export interface ReKeyOptions extends NewObject, CallOptions {
  /** Seconds from now until the new key is Active. Without it the new key has no Activation Date. */
  readonly offset?: number;
}

/** Makes a key that replaces another one and returns its id. An answer that is lost does not make a second one. */
export const reKey =
  (cluster: Cluster, once: Once) =>
  async (id: string, { offset, timeout, ...given }: ReKeyOptions = {}): Promise<string> =>
    once.make(
      {
        operation,
        // The new key takes the Name over from the old one.
        named: true,
        request: (marker) => ({
          id,
          offset,
          template: { names: [], attributes: [...objectAttributes(given), ...marker] },
        }),
        check: (answer) => expectNew('Re-key', answer.id, id),
      },
      cluster.deadline(timeout === undefined ? {} : { timeout }),
    );
