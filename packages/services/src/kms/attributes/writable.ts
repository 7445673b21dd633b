import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { attributeFacts, clientMay } from '@vouchsafe/kmip/attribute-table';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { dateAttributes, type ManagedObject } from '../managed-object.ts';

/** What a client does to an attribute. */
export type Change = 'add' | 'modify' | 'delete';

/** The field of an object that an attribute stands in; nothing when it stands in the list. */
export const dateField = (name: string): (typeof dateAttributes)[keyof typeof dateAttributes] | undefined =>
  Object.hasOwn(dateAttributes, name) ? dateAttributes[name as keyof typeof dateAttributes] : undefined;

/** Whether an object may have an attribute several times. What is not in the standard may stand any number of times. */
export const isMultiple = (name: string): boolean => attributeFacts(name)?.multiple ?? true;

/** The name of a custom attribute: visible characters, as many as a Name may have. */
const customName = /^(?:x-|[^\p{Cc}:]{1,64}:)[^\p{Cc}]{1,253}$/u;

/** As many octets as a name of the codec may have, with two before it in the store. */
const mostNameOctets = 1022;

/** Whether a custom attribute may be called so. */
export const isCustomName = (name: string): boolean =>
  customName.test(name) && Buffer.byteLength(name) <= mostNameOctets;

/**
 * Refuses what a client may not do to an attribute of an object that stands there: attributes of the server, and those
 * that have had their effect (KMIP 1.4, 3.24 to 3.27, 3.21).
 * @throws {OperationError} `Permission Denied`
 */
export function checkChange(change: Change, object: ManagedObject, attribute: Attribute, now: Date): void {
  const { name } = attribute;
  const may = clientMay(name);
  const allowed = change === 'add' ? may.set || may.modify : may[change];
  if (name.startsWith('?') || !allowed) throw denied(`${name}: is not for clients to ${change}`);
  if (attributeFacts(name) === undefined && !isCustomName(name))
    throw new OperationError('Invalid Field', 'Attribute Name: expected x- and up to 253 visible characters');
  if (change !== 'delete') rules[name]?.({ object, attribute, now });
}

interface Asked {
  readonly object: ManagedObject;
  readonly attribute: Attribute;
  readonly now: Date;
}

/** The states in which a date still lies ahead. */
const ahead =
  (...states: readonly string[]) =>
  (asked: Asked) => {
    const { object, attribute, now } = asked;
    const field = dateField(attribute.name)!;
    if (!states.includes(object.state)) throw denied(`${attribute.name}: the object is ${object.state}`);
    const before = object[field];
    if (before !== undefined && before <= now) throw denied(`${attribute.name}: was reached already`);
  };

/** A restriction that is taken back is none. */
const onlyTo = (value: boolean) => (asked: Asked) => {
  const { object, attribute } = asked;
  const before = attributeValue(object.attributes, attribute.name as 'Sensitive');
  if (attribute.value !== value && before === value) throw denied(`${attribute.name}: cannot be taken back`);
};

const rules: Readonly<Record<string, (asked: Asked) => void>> = {
  'Activation Date': ahead('Pre-Active'),
  'Process Start Date': ahead('Pre-Active', 'Active'),
  'Protect Stop Date': ahead('Pre-Active', 'Active'),
  'Deactivation Date': ahead('Pre-Active', 'Active'),
  Sensitive: onlyTo(true),
  Extractable: onlyTo(false),
  'Usage Limits': ({ object }) => {
    const limits = attributeValue(object.attributes, 'Usage Limits');
    if (limits?.count !== undefined && limits.count !== limits.total)
      throw denied('Usage Limits: the key was used already');
  },
};

const denied = (why: string) => new OperationError('Permission Denied', why);
