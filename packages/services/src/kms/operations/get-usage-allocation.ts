import type { getUsageAllocation as operation } from '@vouchsafe/kmip/operations/get-usage-allocation';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { taken } from '../usage.ts';
import { type Asked, livingSubject } from './context.ts';

/** KMIP 1.4, 4.18: a client that uses the key itself takes beforehand what it will need. */
export async function getUsageAllocation(
  { id, count }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(id, call);
  await call.tx.update({ ...taken(object, count), changed: call.now });
  return { id: object.id };
}
