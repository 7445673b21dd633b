import type { obtainLease as operation } from '@vouchsafe/kmip/operations/obtain-lease';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { leaseTime } from '../attributes/told.ts';
import { type Asked, livingSubject } from './context.ts';

/** KMIP 1.4, 4.17: how long a client may use what it has before it looks again; not for keys that are not to be used. */
export async function obtainLease(
  { id }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(id, call);
  if (object.state === 'Compromised')
    throw new OperationError('Permission Denied', 'the object is Compromised: no lease is given');
  return { id: object.id, leaseTime, lastChange: object.changed };
}
