import type { destroy as operation } from '@vouchsafe/kmip/operations/destroy';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { after } from '../state.ts';
import { isInToken } from '../token-keys.ts';
import { type Asked, livingSubject } from './context.ts';

/** KMIP 1.4, 4.21. The content is overwritten, what was known about the object stays. */
export async function destroy({ id }: RequestOf<typeof operation>, call: Asked): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(id, call);
  const state = after(object.state, 'destroy');
  if (state === undefined)
    throw new OperationError('Permission Denied', `the object is ${object.state}; revoke it first`);
  await call.tx.eraseContent(object);
  await call.tx.update({ ...object, state, destroyed: call.now, changed: call.now });
  const { tokenKeys } = call.tx;
  if (tokenKeys !== undefined && isInToken(object)) call.tx.afterwards(() => tokenKeys.destroy(object));
  return { id: object.id };
}
