import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { getAttributes as operation } from '@vouchsafe/kmip/operations/get-attributes';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { toldAttributes } from '../attributes/told.ts';
import { type Asked, subject } from './context.ts';

/** KMIP 1.4, 4.12. Names that the object has no attribute of are passed over. */
export async function getAttributes(
  { id, names }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new OperationError('Invalid Message', `Attribute Name: ${twice} stands twice`);
  const object = await subject(id, call);
  const all = toldAttributes(object);
  return { id: object.id, attributes: names.length === 0 ? all : named(all, names) };
}

/** In the order in which they were asked for. */
const named = (all: readonly Attribute[], names: readonly string[]): Attribute[] =>
  names.flatMap((wanted) => all.filter(({ name }) => name === wanted));
