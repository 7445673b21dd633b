import type { getAttributes as operation } from '@vouchsafe/kmip/operations/get-attributes';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { attributesOf } from '../managed-object.ts';
import { type Asked, subject } from './context.ts';

/** KMIP 1.4, 4.12. Names that the object has no attribute of are passed over. */
export async function getAttributes(
  { id, names }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await subject(id, call);
  const all = attributesOf(object);
  return { id: object.id, attributes: names.length === 0 ? all : all.filter(({ name }) => names.includes(name)) };
}
