import type { exportObject as operation } from '@vouchsafe/kmip/operations/export';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { toldAttributes } from '../attributes/told.ts';
import { type Asked, subject } from './context.ts';
import { handedOut } from './get.ts';

/** KMIP 1.4, 4.42: an object with all its attributes. */
export async function exportObject(
  request: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await subject(request.id, call);
  return {
    objectType: object.type,
    id: object.id,
    attributes: toldAttributes(object),
    object: await handedOut(object, request, call),
  };
}
