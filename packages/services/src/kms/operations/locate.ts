import { isDeepStrictEqual } from 'node:util';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { locate as operation } from '@vouchsafe/kmip/operations/locate';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { flag, toldAttributes } from '../attributes/told.ts';
import { type ManagedObject, settled } from '../managed-object.ts';
import { isIndexed } from '../store.ts';
import { type Asked, invalid, isDestroyed } from './context.ts';

type Request = RequestOf<typeof operation>;

/** Ids in one answer. */
const most = 1000;

/**
 * KMIP 1.4, 4.9. Every attribute that is asked for counts: one that no object has, or that is not known here, finds
 * nothing. The newest come first; destroyed objects are found by their state or their Destroy Date only.
 */
export async function locate(request: Request, call: Asked): Promise<ResponseOf<typeof operation>> {
  const { offsetItems: from = 0, maximumItems: count = most } = request;
  if (from < 0 || count < 0) throw invalid('Maximum Items or Offset Items below 0');
  if (request.groupMember !== undefined) return await inGroup(request, call);
  const page: string[] = [];
  let total = 0;
  for await (const { id } of found(request, call)) {
    if (total >= from && page.length < Math.min(count, most)) page.push(id);
    total++;
    if (page.length >= Math.min(count, most) && !countsAll(request, call)) break;
  }
  call.placeholder = page.length === 1 ? page[0] : undefined;
  return { ids: page, ...(countsAll(request, call) ? { total } : {}) };
}

/** Members of a group are used up in the order in which they came. */
async function inGroup(request: Request, call: Asked): Promise<ResponseOf<typeof operation>> {
  const { offsetItems: from = 0, maximumItems: count = most } = request;
  const all: string[] = [];
  for await (const { id } of found(request, call)) all.push(id);
  const ids = all.toReversed().slice(from, from + Math.min(count, most));
  call.placeholder = ids.length === 1 ? ids[0] : undefined;
  return { ids, ...(countsAll(request, call) ? { total: all.length } : {}) };
}

/** Located Items says how many there are altogether: from 1.3 on, to whoever takes them page by page. */
const countsAll = (request: Request, { version }: Asked): boolean =>
  (version.major > 1 || version.minor >= 3) && request.offsetItems !== undefined;

const onLine = 1;

async function* found(request: Request, call: Asked): AsyncGenerator<ManagedObject> {
  const { attributes, storageStatus, groupMember } = request;
  if (storageStatus !== undefined && (storageStatus & onLine) === 0) return;
  const indexed = attributes.filter(({ name }) => isIndexed(name));
  const others = attributes.filter(({ name }) => !isIndexed(name));
  const destroyedToo = others.some(({ name }) => name === 'State' || name === 'Destroy Date');
  for await (const stored of call.tx.find({ scope: call.client.scope, attributes: indexed })) {
    const object = settled(stored, call.now);
    if (isDestroyed(object) && !destroyedToo) continue;
    if (groupMember === 'Group Member Fresh' && !flag(object, 'Fresh')) continue;
    if (others.length === 0 || matches(object, others)) yield object;
  }
}

function matches(object: ManagedObject, wanted: readonly Attribute[]): boolean {
  const told = toldAttributes(object);
  return wanted.every((each) => {
    const has = told.filter(({ name }) => name === each.name).map(({ value }) => value);
    if (each.value instanceof Date) return has.some((date) => inRange(date as Date, datesOf(wanted, each.name)));
    if (each.name === 'Cryptographic Usage Mask') return has.some((mask) => (Number(mask) & each.value) === each.value);
    return has.some((value) => agrees(value, each.value));
  });
}

const datesOf = (wanted: readonly Attribute[], of: string): number[] =>
  wanted.flatMap(({ name, value }) => (name === of && value instanceof Date ? [value.getTime()] : []));

/** One date is a point in time, two are a range (KMIP 1.4, 4.9). */
const inRange = (date: Date, wanted: readonly number[]): boolean =>
  wanted.length <= 2 && Math.min(...wanted) <= date.getTime() && date.getTime() <= Math.max(...wanted);

/** A structure is found by those of its fields that are asked for. */
function agrees(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null || wanted instanceof Uint8Array || Array.isArray(wanted))
    return isDeepStrictEqual(value, wanted);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(wanted).every(
    ([field, part]) => part === undefined || agrees((value as Record<string, unknown>)[field], part),
  );
}
