import type { addAttribute as operation } from '@vouchsafe/kmip/operations/add-attribute';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { added, instances } from '../attributes/change.ts';
import { type Asked, livingSubject, refuseTakenNames } from './context.ts';

/** KMIP 1.4, 4.14. A further attribute of the same name gets the next index. */
export async function addAttribute(
  { id, attribute }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(id, call);
  const after = added(object, attribute, call.now);
  await refuseTakenNames([attribute], call, { reason: 'Illegal Operation' });
  await call.tx.update(after);
  return { id: object.id, attribute: instances(after, attribute.name).at(-1)! };
}
