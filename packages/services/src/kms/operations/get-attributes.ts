import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { getAttributes as operation } from '@vouchsafe/kmip/operations/get-attributes';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { type ManagedObject, ownAttributes } from '../object.ts';
import type { KmsStore } from '../store.ts';
import { type Asked, subject } from './context.ts';

/** All attributes of an object; an index of 0 is left out, as the standard's own examples do. */
export const allAttributes = (store: KmsStore, object: ManagedObject): Attribute[] => [
  ...ownAttributes(object),
  ...store.attributes(object.id).map((each) => (each.index === 0 ? { ...each, index: undefined } : each)),
];

/** KMIP 1.4, 4.12. Names that the object has no attribute of are passed over. */
export const getAttributes =
  (store: KmsStore) =>
  ({ id, names }: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> => {
    const object = subject(store, id, call);
    const all = allAttributes(store, object);
    return { id: object.id, attributes: names.length === 0 ? all : all.filter(({ name }) => names.includes(name)) };
  };
