import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { clientMay } from '@vouchsafe/kmip/attribute-table';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { dateField } from '../attributes/writable.ts';
import { dateAttributes, type ManagedObject } from '../managed-object.ts';
import { linked } from './links.ts';

/** Dates that move along with the Activation Date of a replacement (KMIP 1.4, 4.4, table 164). */
const moving = ['activation', 'processStart', 'protectStop', 'deactivation'] as const;

/** What a replacement does not take over, although clients may give it to a new object (KMIP 1.4, 4.4, table 165). */
const notTakenOver = new Set<string>(['Link', 'Fresh', 'Original Creation Date', 'Random Number Generator']);

/**
 * Refuses an object that cannot be replaced: one that is gone, or has a replacement already. Two replacements would
 * leave nobody knowing which one counts.
 */
export function checkReplaceable(object: ManagedObject): void {
  if (object.destroyed !== undefined) throw new OperationError('Item Not Found', 'the object was destroyed');
  const replacement = linked(object, 'Replacement Object Link');
  if (replacement !== undefined)
    throw new OperationError('Illegal Operation', `the object was replaced already, by ${replacement}`);
}

/**
 * The attributes that an object's replacement is asked for with: those of the object, with what the client says
 * instead, and the dates moved to `offset` seconds after now when that is given.
 */
export function replacementAttributes(
  object: ManagedObject,
  asked: readonly Attribute[],
  offset: number | undefined,
  now: Date,
): Attribute[] {
  const said = new Set<string>(asked.map(({ name }) => name));
  const inherited = object.attributes
    .filter(({ name }) => clientMay(name).set && !notTakenOver.has(name))
    .filter(({ name }) => name === 'Name' || !said.has(name))
    .map((each): Attribute => ({ ...each, index: undefined }));
  const dates = movedDates(object, offset, now).filter(({ name }) => !said.has(name));
  return [...inherited, ...dates, ...asked.map((each): Attribute => ({ ...each, index: undefined }))].map(fresh);
}

/** Usage Limits are given anew. */
const fresh = (attribute: Attribute): Attribute =>
  attribute.name === 'Usage Limits' ? { ...attribute, value: { ...attribute.value, count: undefined } } : attribute;

function movedDates(object: ManagedObject, offset: number | undefined, now: Date): Attribute[] {
  const { activation } = object;
  const start = offset === undefined ? undefined : now.getTime() + offset * 1000;
  const by = start === undefined || activation === undefined ? 0 : start - activation.getTime();
  return moving.flatMap((field): Attribute[] => {
    const before = field === 'activation' && start !== undefined ? (activation ?? new Date(start)) : object[field];
    const at = before === undefined ? undefined : new Date(before.getTime() + by);
    return at === undefined ? [] : [{ name: nameOf(field), value: at } as Attribute];
  });
}

const nameOf = (field: (typeof moving)[number]) =>
  Object.keys(dateAttributes).find((name) => dateField(name) === field) as keyof typeof dateAttributes;

/** The object after its replacement took its names over. */
export const withoutNames = (object: ManagedObject): ManagedObject => ({
  ...object,
  attributes: object.attributes.filter(({ name }) => name !== 'Name'),
});

/** Algorithm and length of an object, which a replacement may not change. */
export const algorithmOf = ({ attributes }: ManagedObject) => ({
  algorithm: attributeValue(attributes, 'Cryptographic Algorithm'),
  length: attributeValue(attributes, 'Cryptographic Length'),
});
