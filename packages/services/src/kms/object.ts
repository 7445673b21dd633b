import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { cryptographicAlgorithm, revocationReasonCode } from '@vouchsafe/kmip/enums';
import type { State } from './state.ts';

/** A managed object without its key material and without the attributes that clients name freely. */
export interface ManagedObject {
  readonly id: string;
  /** The scope that it belongs to. */
  readonly owner: string;
  readonly type: 'Symmetric Key';
  readonly state: State;
  readonly algorithm: keyof typeof cryptographicAlgorithm;
  /** In bits. */
  readonly length: number;
  readonly usage: number;
  readonly initial: Date;
  readonly activation?: Date | undefined;
  readonly deactivation?: Date | undefined;
  readonly destroyed?: Date | undefined;
  readonly compromised?: Date | undefined;
  readonly compromiseOccurred?: Date | undefined;
  readonly revocation?: { code: keyof typeof revocationReasonCode; message?: string | undefined } | undefined;
  readonly changed: Date;
}

/** The attributes that follow from the object itself, in the order of KMIP 1.4, section 3. */
export function ownAttributes(object: ManagedObject): Attribute[] {
  const dates: [Attribute['name'], Date | undefined][] = [
    ['Initial Date', object.initial],
    ['Activation Date', object.activation],
    ['Deactivation Date', object.deactivation],
    ['Destroy Date', object.destroyed],
    ['Compromise Occurrence Date', object.compromiseOccurred],
    ['Compromise Date', object.compromised],
    ['Last Change Date', object.changed],
  ];
  return [
    { name: 'Unique Identifier', value: object.id },
    { name: 'Object Type', value: object.type },
    { name: 'Cryptographic Algorithm', value: object.algorithm },
    { name: 'Cryptographic Length', value: object.length },
    { name: 'Cryptographic Usage Mask', value: object.usage },
    { name: 'State', value: object.state },
    ...dates.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value } as Attribute])),
    ...(object.revocation === undefined ? [] : [{ name: 'Revocation Reason' as const, value: object.revocation }]),
  ];
}

/** The object as it is at a time: its dates have had their effect (KMIP 1.4, 3.22: Activation and Deactivation Date). */
export function settled(object: ManagedObject, now: Date): ManagedObject {
  let { state } = object;
  if (state === 'Pre-Active' && reached(object.activation, now)) state = 'Active';
  if (state === 'Active' && reached(object.deactivation, now)) state = 'Deactivated';
  return state === object.state ? object : { ...object, state, changed: now };
}

const reached = (date: Date | undefined, now: Date) => date !== undefined && date <= now;
