import { isDeepStrictEqual } from 'node:util';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import { limits } from '@vouchsafe/kmip/limits';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type ManagedObject, settled } from '../managed-object.ts';
import { toldAttributes } from './told.ts';
import { checkChange, dateField, isMultiple } from './writable.ts';

/** Adds an attribute; one of several gets the next index (KMIP 1.4, 4.14). @throws {OperationError} */
export function added(object: ManagedObject, attribute: Attribute, now: Date): ManagedObject {
  checkChange('add', object, attribute, now);
  const { name } = attribute;
  if (object.attributes.length >= limits.attributes - reserved)
    throw new OperationError(
      'Permission Denied',
      `the object has ${object.attributes.length} attributes, as many as it may`,
    );
  const there = instances(object, name);
  if (there.length > 0 && !isMultiple(name)) throw new OperationError('Illegal Operation', `${name}: stands already`);
  if (there.some(({ value }) => isDeepStrictEqual(value, attribute.value)) && !name.startsWith('x-'))
    throw new OperationError('Illegal Operation', `${name}: stands already with this value`);
  const next = Math.max(-1, ...there.map(({ index }) => index ?? 0)) + 1;
  if (attribute.index !== undefined && attribute.index !== next)
    throw new OperationError('Invalid Field', `Attribute Index ${attribute.index}: expected ${next}, or none`);
  return changed(with_(object, { ...initial(attribute), index: next } as Attribute), now);
}

/** Gives an attribute another value (KMIP 1.4, 4.15). @throws {OperationError} */
export function modified(object: ManagedObject, attribute: Attribute, now: Date): ManagedObject {
  checkChange('modify', object, attribute, now);
  const { name, index = 0 } = attribute;
  if (!instances(object, name).some((each) => (each.index ?? 0) === index)) throw missing(object, name, index);
  return changed(with_(without(object, name, index), { ...initial(attribute), index } as Attribute), now);
}

/** Adds a single-instance attribute or gives it another value (KMIP 2.1, 6.1.57, Set Attribute). @throws {OperationError} */
export function set(object: ManagedObject, attribute: Attribute, now: Date): ManagedObject {
  if (isMultiple(attribute.name))
    throw new OperationError('Multi Valued Attribute', `${attribute.name}: may stand several times`);
  const there = instances(object, attribute.name).length > 0;
  return there ? modified(object, attribute, now) : added(object, attribute, now);
}

/** Takes an attribute away, and says what it was (KMIP 1.4, 4.16). @throws {OperationError} */
export function deleted(
  object: ManagedObject,
  name: Attribute['name'],
  index: number,
  now: Date,
): { object: ManagedObject; attribute: Attribute } {
  const attribute = instances(object, name).find((each) => (each.index ?? 0) === index);
  checkChange('delete', object, attribute ?? ({ name, value: undefined } as never), now);
  if (attribute === undefined) throw missing(object, name, index);
  return { object: changed(without(object, name, index), now), attribute };
}

/** Every instance of an attribute, whether it is a field, stands in the list or follows from nothing else being said. */
export function instances(object: ManagedObject, name: string): Attribute[] {
  return toldAttributes(object).filter((each) => each.name === name);
}

/** Attributes that operations may yet need to add: links, reasons, dates. */
export const reserved = 16;

/** Dates whose effect is due have it at once: a date in the past activates, or deactivates. */
const changed = (object: ManagedObject, now: Date): ManagedObject => settled({ ...object, changed: now }, now);

function with_(object: ManagedObject, attribute: Attribute): ManagedObject {
  const field = dateField(attribute.name);
  if (field !== undefined) return { ...object, [field]: attribute.value };
  const at = object.attributes.findLastIndex(
    ({ name, index = 0 }) => name === attribute.name && index < attribute.index!,
  );
  const place = at < 0 ? firstOf(object, attribute.name) : at + 1;
  const attributes = object.attributes.toSpliced(place, 0, attribute);
  return { ...object, attributes };
}

function firstOf(object: ManagedObject, wanted: string): number {
  const at = object.attributes.findIndex(({ name }) => name === wanted);
  return at < 0 ? object.attributes.length : at;
}

function without(object: ManagedObject, name: string, index: number): ManagedObject {
  return {
    ...object,
    attributes: object.attributes.filter((each) => each.name !== name || (each.index ?? 0) !== index),
  };
}

/** Usage Limits begin with everything that they allow (KMIP 1.4, 3.21). */
export function initial(attribute: Attribute): Attribute {
  if (attribute.name !== 'Usage Limits') return attribute;
  return { ...attribute, value: { ...attribute.value, count: attribute.value.total } };
}

function missing(object: ManagedObject, name: string, index: number): OperationError {
  const there = instances(object, name).length;
  if (there === 0) return new OperationError('Item Not Found', `${name}: the object has none`);
  return new OperationError('Index Out of Bounds', `${name}: no Attribute Index ${index}`);
}

/** Which instance of an attribute has this value (KMIP 2.1, 6.1.39, Current Attribute). @throws {OperationError} */
export function indexOf(object: ManagedObject, current: Attribute, name: string): number {
  if (current.name !== name)
    throw new OperationError('Invalid Field', `Current Attribute: ${current.name}, expected ${name}`);
  const found = instances(object, name).find(({ value }) => isDeepStrictEqual(value, current.value));
  if (found === undefined) throw new OperationError('Item Not Found', `${name}: the object has none with this value`);
  return found.index ?? 0;
}
