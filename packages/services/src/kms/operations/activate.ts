import type { activate as operation } from '@vouchsafe/kmip/operations/activate';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { settled } from '../managed-object.ts';
import { after } from '../state.ts';
import { type Asked, livingSubject } from './context.ts';

/** KMIP 1.4, 4.19. */
export async function activate(
  { id }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(id, call);
  if (object.type === 'Opaque Object') throw new OperationError('Illegal Operation', 'an Opaque Object has no state');
  const state = after(object.state, 'activate');
  if (state === undefined)
    throw new OperationError('Permission Denied', `the object is ${object.state}, not Pre-Active`);
  await call.tx.update(settled({ ...object, state, activation: call.now, changed: call.now }, call.now));
  return { id: object.id };
}
