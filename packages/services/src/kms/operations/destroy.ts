import type { destroy as operation } from '@vouchsafe/kmip/operations/destroy';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { after } from '../state.ts';
import type { KmsStore } from '../store.ts';
import { type Asked, subject } from './context.ts';

/** KMIP 1.4, 4.21. The material is overwritten, what was known about the object stays. */
export const destroy =
  (store: KmsStore) =>
  ({ id }: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> => {
    const object = subject(store, id, call);
    if (object.state.startsWith('Destroyed')) throw new OperationError('Item Not Found', 'the object was destroyed');
    const state = after(object.state, 'destroy');
    if (state === undefined)
      throw new OperationError('Permission Denied', `the object is ${object.state}; revoke it first`);
    store.eraseMaterial(object);
    store.update({ ...object, state, destroyed: call.now, changed: call.now });
    return { id: object.id };
  };
