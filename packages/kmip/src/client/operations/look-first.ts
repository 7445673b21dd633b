import type { Attribute } from '../../attribute.ts';
import { KmipError } from '../../error.ts';
import { getAttributes } from '../../operations/get-attributes.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Cluster } from '../cluster.ts';
import { type Endpoint, newTrail } from '../endpoint.ts';

const tries = 3;

/**
 * Sends an operation on an attribute that would do more if it was done twice: after a lost answer it is sent again only
 * when the attribute shows that it was not carried out.
 * @param done whether the attributes of that name show that it was carried out; nothing when they cannot tell
 * @returns nothing when the answer was lost and the attribute says that it was carried out
 */
export async function lookFirst<Request, Response>(
  cluster: Cluster,
  operation: Operation<Request, Response>,
  request: Request,
  { id, name, deadline }: { readonly id: string; readonly name: Attribute['name']; readonly deadline: number },
  done: (list: readonly Attribute[]) => boolean | undefined,
): Promise<Response | undefined> {
  let avoid: Endpoint | undefined;
  for (let left = tries; ; left--) {
    const trail = newTrail();
    const how = { id, deadline, trail, recoverable: true, ...(avoid === undefined ? {} : { avoid }) };
    try {
      return await cluster.send(operation, request, how);
    } catch (error) {
      if (!(error instanceof KmipError && error.code === 'outcome.unknown')) throw error;
      const { attributes } = await cluster.send(getAttributes, { id, names: [name] }, { id, deadline });
      const was = done(attributes);
      if (was === true) return undefined;
      if (was === undefined || left === 1) throw error;
      avoid = trail.lostAt;
    }
  }
}
