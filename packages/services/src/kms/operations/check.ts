import { attributeValue } from '@vouchsafe/kmip/attribute';
import type { check as operation } from '@vouchsafe/kmip/operations/check';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { leaseTime } from '../attributes/told.ts';
import { type Asked, livingSubject } from './context.ts';

/** KMIP 1.4, 4.10: the answer repeats what may not be, as far as it may be. */
export async function check(request: RequestOf<typeof operation>, call: Asked): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(request.id, call);
  const mask = attributeValue(object.attributes, 'Cryptographic Usage Mask') ?? 0;
  const limits = attributeValue(object.attributes, 'Usage Limits');
  const left = limits === undefined ? undefined : (limits.count ?? limits.total);
  const { usage, usageCount } = request;
  return {
    id: object.id,
    ...(usageCount !== undefined && left !== undefined && usageCount > left ? { usageCount: left } : {}),
    ...(usage !== undefined && (usage & ~mask) !== 0 ? { usage: mask } : {}),
    ...(request.leaseTime !== undefined && request.leaseTime > leaseTime ? { leaseTime } : {}),
  };
}
