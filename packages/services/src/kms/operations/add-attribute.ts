import { limits } from '@vouchsafe/kmip/limits';
import type { addAttribute as operation } from '@vouchsafe/kmip/operations/add-attribute';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { KmsStore } from '../store.ts';
import { type Asked, isFree, refuseTakenName, subject } from './context.ts';
import { allAttributes } from './get-attributes.ts';

/** KMIP 1.4, 4.14. A further attribute of the same name gets the next index. */
export const addAttribute =
  (store: KmsStore) =>
  ({ id, attribute }: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> => {
    const object = subject(store, id, call);
    if (!isFree(attribute.name))
      throw new OperationError('Permission Denied', `${attribute.name}: is not for clients to add`);
    const all = allAttributes(store, object);
    if (all.length >= limits.attributes)
      throw new OperationError('Invalid Field', `the object has ${all.length} attributes, limit ${limits.attributes}`);
    const position = all.filter(({ name }) => name === attribute.name).length;
    if (attribute.index !== undefined && attribute.index !== position)
      throw new OperationError('Invalid Field', `Attribute Index ${attribute.index}: expected ${position}, or none`);
    refuseTakenName(store, object.owner, attribute);
    store.addAttribute(object.id, attribute, position);
    store.update({ ...object, changed: call.now });
    return { id: object.id, attribute: { ...attribute, index: position === 0 ? undefined : position } };
  };
