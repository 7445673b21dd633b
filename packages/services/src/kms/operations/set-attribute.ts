import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { setAttribute as operation } from '@vouchsafe/kmip/operations/set-attribute';
import { set } from '../attributes/change.ts';
import { type Asked, livingSubject } from './context.ts';

/** KMIP 2.1, 6.1.50. */
export async function setAttribute(
  { id, attribute }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(id, call);
  await call.tx.update(set(object, attribute, call.now));
  return { id: object.id };
}
