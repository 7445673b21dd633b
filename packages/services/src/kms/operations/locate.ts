import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { locate as operation } from '@vouchsafe/kmip/operations/locate';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { attributesOf, type ManagedObject, settled } from '../managed-object.ts';
import { isIndexed } from '../store.ts';
import type { Asked } from './context.ts';

/** Ids in one answer. */
const most = 1000;

/**
 * KMIP 1.4, 4.9. Every attribute that is asked for counts: one that no object has, or that is not known here, finds
 * nothing. Destroyed objects are found by their state only.
 */
export async function locate(request: RequestOf<typeof operation>, call: Asked): Promise<ResponseOf<typeof operation>> {
  if (request.groupMember !== undefined) throw new OperationError('Feature Not Supported', 'Object Group Member');
  const [from, count] = [request.offsetItems ?? 0, request.maximumItems ?? most];
  if (from < 0 || count < 0) throw new OperationError('Invalid Field', 'Maximum Items or Offset Items below 0');
  const all: string[] = [];
  for await (const { id } of found(request, call)) all.push(id);
  const ids = all.slice(from, from + Math.min(count, most));
  call.placeholder = ids.length === 1 ? ids[0] : undefined;
  return { ids, ...(call.version.minor >= 3 ? { total: all.length } : {}) };
}

const onLine = 1;

async function* found(request: RequestOf<typeof operation>, call: Asked): AsyncGenerator<ManagedObject> {
  if (request.storageStatus !== undefined && (request.storageStatus & onLine) === 0) return;
  const indexed = request.attributes.filter(({ name }) => isIndexed(name));
  const others = request.attributes.filter(({ name }) => !isIndexed(name));
  const byState = others.some(({ name }) => name === 'State');
  for await (const each of call.tx.find({ scope: call.client.scope, attributes: indexed })) {
    const object = settled(each, call.now);
    if ((byState || !object.state.startsWith('Destroyed')) && matches(object, others)) yield object;
  }
}

function matches(object: ManagedObject, wanted: readonly Attribute[]): boolean {
  const own = attributesOf(object);
  return wanted.every((each) => {
    const has = own.find(({ name }) => name === each.name)?.value;
    const among = wanted.filter(({ name }) => name === each.name).map(({ value }) => value);
    if (has instanceof Date) return inRange(has, among as Date[]);
    if (each.name === 'Cryptographic Usage Mask') return (Number(has) & each.value) === each.value;
    return has !== undefined && has === each.value;
  });
}

/** One date is a point in time, two are a range (KMIP 1.4, 4.9). */
function inRange(date: Date, wanted: readonly Date[]): boolean {
  const times = wanted.map((each) => each.getTime());
  return wanted.length <= 2 && Math.min(...times) <= date.getTime() && date.getTime() <= Math.max(...times);
}
