import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { revoke as operation } from '@vouchsafe/kmip/operations/revoke';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { ManagedObject } from '../object.ts';
import { after, revocationTransition, type State } from '../state.ts';
import type { KmsStore } from '../store.ts';
import { type Asked, subject } from './context.ts';

/** KMIP 1.4, 4.20. */
export const revoke =
  (store: KmsStore) =>
  (request: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> => {
    const object = subject(store, request.id, call);
    const state = after(object.state, revocationTransition(request.reason.code));
    if (state === undefined)
      throw new OperationError('Illegal Operation', `${request.reason.code}: the object is ${object.state}`);
    store.update(revoked(object, state, request, call.now));
    return { id: object.id };
  };

function revoked(object: ManagedObject, state: State, request: RequestOf<typeof operation>, now: Date): ManagedObject {
  const dates =
    state === 'Deactivated'
      ? { deactivation: now }
      : { compromised: now, compromiseOccurred: request.compromisedAt ?? now };
  return { ...object, ...dates, state, revocation: request.reason, changed: now };
}
