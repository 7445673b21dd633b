import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { revoke as operation } from '@vouchsafe/kmip/operations/revoke';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { ManagedObject } from '../managed-object.ts';
import { after, revocationTransition, type State } from '../state.ts';
import { type Asked, subject } from './context.ts';

type Request = RequestOf<typeof operation>;

/** KMIP 1.4, 4.20. A destroyed key can still turn out to have been compromised. */
export async function revoke(request: Request, call: Asked): Promise<ResponseOf<typeof operation>> {
  const object = await subject(request.id, call);
  if (object.type === 'Opaque Object') throw new OperationError('Illegal Operation', 'an Opaque Object has no state');
  const state = after(object.state, revocationTransition(request.reason.code));
  if (state === undefined)
    throw new OperationError('Illegal Operation', `${request.reason.code}: the object is ${object.state}`);
  await call.tx.update(revoked(object, state, request, call.now));
  return { id: object.id };
}

/** KMIP 1.4, 3.29: when nobody knows since when a key is compromised, it always was. */
function revoked(object: ManagedObject, state: State, { reason, compromisedAt }: Request, now: Date): ManagedObject {
  const dates =
    state === 'Deactivated'
      ? { deactivation: now }
      : { compromised: now, compromiseOccurred: compromisedAt ?? object.initial };
  const attributes = [
    ...object.attributes.filter(({ name }) => name !== 'Revocation Reason'),
    { name: 'Revocation Reason', value: reason } as const,
  ];
  return { ...object, ...dates, state, attributes, changed: now };
}
