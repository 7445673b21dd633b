import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { adjustAttribute as operation } from '@vouchsafe/kmip/operations/adjust-attribute';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { instances, modified } from '../attributes/change.ts';
import { type Asked, invalid, livingSubject } from './context.ts';

type Request = RequestOf<typeof operation>;

/** KMIP 2.1, 6.1.3: attributes that are numbers or flags. */
export async function adjustAttribute(request: Request, call: Asked): Promise<ResponseOf<typeof operation>> {
  const object = await livingSubject(request.id, call);
  const [attribute, more] = instances(object, request.name);
  if (attribute === undefined) throw new OperationError('Item Not Found', `${request.name}: the object has none`);
  if (more !== undefined) throw invalid(`${request.name}: stands several times`);
  await call.tx.update(modified(object, { ...attribute, value: adjusted(attribute, request) } as Attribute, call.now));
  return { id: object.id };
}

function adjusted({ name, value }: Attribute, { adjustment, value: by = 1 }: Request): unknown {
  const inner = typeof value === 'object' && 'type' in value && 'value' in value ? value.value : value;
  const wrap = (next: unknown) => (inner === value ? next : { ...(value as object), value: next });
  if (adjustment === 'Negate' && typeof inner === 'boolean') return wrap(!inner);
  if (adjustment === 'Negate' || (typeof inner !== 'number' && typeof inner !== 'bigint'))
    throw invalid(`${name}: cannot be adjusted by ${adjustment}`);
  const change = adjustment === 'Increment' ? by : -by;
  return wrap(typeof inner === 'bigint' ? inner + BigInt(change) : inner + change);
}
