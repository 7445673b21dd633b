import type { getAttributeList as operation } from '@vouchsafe/kmip/operations/get-attribute-list';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { toldAttributes } from '../attributes/told.ts';
import { type Asked, subject } from './context.ts';

/** KMIP 1.4, 4.13. */
export async function getAttributeList(
  { id }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await subject(id, call);
  return { id: object.id, names: [...new Set(toldAttributes(object).map(({ name }) => name))] };
}
