import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { revoke as operation } from '@vouchsafe/kmip/operations/revoke';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { ManagedObject } from '../managed-object.ts';
import { after, revocationTransition, type State } from '../state.ts';
import { type Asked, subject } from './context.ts';

/** KMIP 1.4, 4.20. */
export async function revoke(request: RequestOf<typeof operation>, call: Asked): Promise<ResponseOf<typeof operation>> {
  const object = await subject(request.id, call);
  const state = after(object.state, revocationTransition(request.reason.code));
  if (state === undefined)
    throw new OperationError('Illegal Operation', `${request.reason.code}: the object is ${object.state}`);
  await call.tx.update(revoked(object, state, request, call.now));
  return { id: object.id };
}

function revoked(object: ManagedObject, state: State, request: RequestOf<typeof operation>, now: Date): ManagedObject {
  const dates =
    state === 'Deactivated'
      ? { deactivation: now }
      : { compromised: now, compromiseOccurred: request.compromisedAt ?? now };
  const reason: Attribute = { name: 'Revocation Reason', value: request.reason };
  const attributes = [...object.attributes.filter(({ name }) => name !== reason.name), reason];
  return { ...object, ...dates, state, attributes, changed: now };
}
