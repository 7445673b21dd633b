import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { modifyAttribute as operation } from '@vouchsafe/kmip/operations/modify-attribute';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { indexOf, instances, modified } from '../attributes/change.ts';
import { type Asked, livingSubject, refuseTakenNames } from './context.ts';

/** KMIP 1.4, 4.15; 2.1, 6.1.39. */
export async function modifyAttribute(
  { id, current, attribute }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(id, call);
  const index = current === undefined ? (attribute.index ?? 0) : indexOf(object, current, attribute.name);
  const after = modified(object, { ...attribute, index } as Attribute, call.now);
  await refuseTakenNames([attribute], call, { except: [object.id], reason: 'Illegal Operation' });
  await call.tx.update(after);
  const told = instances(after, attribute.name).find((each) => (each.index ?? 0) === index);
  return { id: object.id, attribute: told ?? attribute };
}
