import { limits } from '@vouchsafe/kmip/limits';
import type { addAttribute as operation } from '@vouchsafe/kmip/operations/add-attribute';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { attributesOf } from '../managed-object.ts';
import { type Asked, isFree, refuseTakenName, subject } from './context.ts';

/** KMIP 1.4, 4.14. A further attribute of the same name gets the next index. */
export async function addAttribute(
  { id, attribute }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await subject(id, call);
  if (!isFree(attribute.name))
    throw new OperationError('Permission Denied', `${attribute.name}: is not for clients to add`);
  const all = attributesOf(object);
  if (all.length >= limits.attributes)
    throw new OperationError('Invalid Field', `the object has ${all.length} attributes, limit ${limits.attributes}`);
  const position = all.filter(({ name }) => name === attribute.name).length;
  if (attribute.index !== undefined && attribute.index !== position)
    throw new OperationError('Invalid Field', `Attribute Index ${attribute.index}: expected ${position}, or none`);
  await refuseTakenName(object.scope, attribute, call);
  const added = { ...attribute, index: position === 0 ? undefined : position };
  await call.tx.update({ ...object, attributes: [...object.attributes, added], changed: call.now });
  return { id: object.id, attribute: added };
}
