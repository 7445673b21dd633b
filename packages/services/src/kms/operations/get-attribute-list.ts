import type { getAttributeList as operation } from '@vouchsafe/kmip/operations/get-attribute-list';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { KmsStore } from '../store.ts';
import { type Asked, subject } from './context.ts';
import { allAttributes } from './get-attributes.ts';

/** KMIP 1.4, 4.13. */
export const getAttributeList =
  (store: KmsStore) =>
  ({ id }: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> => {
    const object = subject(store, id, call);
    return { id: object.id, names: [...new Set(allAttributes(store, object).map(({ name }) => name))] };
  };
