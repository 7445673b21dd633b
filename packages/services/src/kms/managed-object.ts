import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { objectType } from '@vouchsafe/kmip/enums';
import type { State } from './state.ts';

/** The kinds of objects of KMIP 1.4, 2.2. */
export type ObjectType = keyof typeof objectType;

/**
 * A managed object without its content: the key block, certificate or data that the store seals (KMIP 1.4, 2.2).
 *
 * What the life cycle reads and writes are fields; all other attributes stand in `attributes` as the client or an
 * operation gave them, in the order of their indices. Dates are whole seconds.
 */
export interface ManagedObject {
  readonly id: string;
  /** The tenant that it belongs to; other scopes' objects do not exist for a client. */
  readonly scope: string;
  /** The client that made it. */
  readonly owner: string;
  readonly type: ObjectType;
  readonly state: State;
  readonly initial: Date;
  readonly changed: Date;
  readonly activation?: Date | undefined;
  readonly processStart?: Date | undefined;
  readonly protectStop?: Date | undefined;
  readonly deactivation?: Date | undefined;
  readonly destroyed?: Date | undefined;
  readonly compromised?: Date | undefined;
  readonly compromiseOccurred?: Date | undefined;
  readonly archived?: Date | undefined;
  readonly attributes: readonly Attribute[];
}

/** The attributes that are fields, with the name that KMIP 1.4, section 3, gives them. */
export const dateAttributes = {
  'Initial Date': 'initial',
  'Activation Date': 'activation',
  'Process Start Date': 'processStart',
  'Protect Stop Date': 'protectStop',
  'Deactivation Date': 'deactivation',
  'Destroy Date': 'destroyed',
  'Compromise Occurrence Date': 'compromiseOccurred',
  'Compromise Date': 'compromised',
  'Archive Date': 'archived',
  'Last Change Date': 'changed',
} as const satisfies Partial<Record<Attribute['name'], keyof ManagedObject>>;

/** Every attribute of an object, those that are fields first. */
export const attributesOf = (object: ManagedObject): Attribute[] => [
  { name: 'Unique Identifier', value: object.id },
  { name: 'Object Type', value: object.type },
  { name: 'State', value: object.state },
  ...Object.entries(dateAttributes).flatMap(([name, field]) =>
    object[field] === undefined ? [] : [{ name, value: object[field] } as Attribute],
  ),
  ...object.attributes,
];

/**
 * The object as it is at a time: its dates have had their effect (KMIP 1.4, 3.24 and 3.27). Its last change is the date
 * that took effect, whenever somebody looks: who only reads writes nothing down.
 */
export function settled(object: ManagedObject, now: Date): ManagedObject {
  let { state, changed } = object;
  const follow = (from: State, date: Date | undefined, to: State) => {
    if (state !== from || date === undefined || date > now) return;
    state = to;
    if (date > changed) changed = date;
  };
  follow('Pre-Active', object.activation, 'Active');
  follow('Active', object.deactivation, 'Deactivated');
  return state === object.state ? object : { ...object, state, changed };
}
