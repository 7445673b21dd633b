import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { deleteAttribute as operation } from '@vouchsafe/kmip/operations/delete-attribute';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { deleted, indexOf, instances } from '../attributes/change.ts';
import type { ManagedObject } from '../managed-object.ts';
import { type Asked, livingSubject } from './context.ts';

type Request = RequestOf<typeof operation>;

/** KMIP 1.4, 4.16: one instance, the first when no index is given; 2.1, 6.1.13: one by its value, or all by their name. */
export async function deleteAttribute(request: Request, call: Asked): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(request.id, call);
  const name = (request.current?.name ?? request.name) as Attribute['name'] | undefined;
  if (name === undefined) throw new OperationError('Missing Data', 'Attribute Name: is missing');
  let after = object;
  let attribute: Attribute | undefined;
  for (const index of indices(object, name, request, call)) {
    const one = deleted(after, name, index, call.now);
    after = one.object;
    attribute ??= one.attribute;
  }
  await call.tx.update(after);
  return { id: object.id, attribute: attribute! };
}

function indices(object: ManagedObject, name: string, { current, index }: Request, call: Asked): number[] {
  if (current !== undefined) return [indexOf(object, current, name)];
  if (call.version.major < 2) return [index ?? 0];
  const all = instances(object, name).map(({ index }) => index ?? 0);
  return all.length === 0 ? [0] : all;
}
