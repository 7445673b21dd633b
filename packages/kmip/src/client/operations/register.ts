import type { ManagedObject } from '../../managed-object.ts';
import { register as operation } from '../../operations/register.ts';
import type { Cluster } from '../cluster.ts';
import type { Once } from '../once.ts';
import type { CallOptions } from '../options.ts';
import { expectNew } from './expect.ts';
import { type KeyUsage, type NewObject, objectAttributes, usageMask } from './new-key.ts';

/** An object that was made elsewhere. */
export interface Registration extends NewObject {
  /** Its secrets stay the caller's. */
  readonly object: ManagedObject;
  /** Servers refuse keys without. */
  readonly usage?: readonly KeyUsage[];
}

/** Gives an object to the server and returns its id. An answer that is lost does not make a second one. */
export const register =
  (cluster: Cluster, once: Once) =>
  async ({ object, usage, ...given }: Registration, options: CallOptions = {}): Promise<string> =>
    once.make(
      {
        operation,
        named: given.name !== undefined,
        request: (marker) => {
          const mask = usage === undefined ? [] : [usageMask(usage)];
          const template = { names: [], attributes: [...mask, ...objectAttributes(given), ...marker] };
          return { objectType: object.type, template, object };
        },
        check: ({ id }) => expectNew('Register', id),
      },
      cluster.deadline(options),
    );
