import type { Attribute } from '@vouchsafe/kmip/attribute';
import { attributesOf, type ManagedObject } from '../managed-object.ts';

/** Seconds for which a client may use what it fetched before it asks again. The server takes no key back. */
export const leaseTime = 3600;

/** What objects are as long as nobody said otherwise: attributes that need not be stored (KMIP 1.4, 3.20, 3.34, 3.48 to 3.51). */
const defaults: readonly Attribute[] = [
  { name: 'Lease Time', value: leaseTime },
  { name: 'Fresh', value: true },
  { name: 'Sensitive', value: false },
  { name: 'Always Sensitive', value: false },
  { name: 'Extractable', value: true },
  { name: 'Never Extractable', value: false },
];

/** What the standard does not give to data that it knows nothing about, and to templates. */
const untold: Readonly<Record<string, ReadonlySet<string>>> = {
  'Opaque Object': new Set(['State', ...defaults.map(({ name }) => name)]),
  Template: new Set(['State', ...defaults.map(({ name }) => name).filter((name) => name !== 'Lease Time')]),
};

/** Every attribute of an object as clients are told of it, an index of 0 left out; the server's defaults last. */
export function toldAttributes(object: ManagedObject): Attribute[] {
  const stored = attributesOf(object).map((each) => (each.index === 0 ? { ...each, index: undefined } : each));
  const names = new Set(stored.map(({ name }) => name));
  const all = [...stored, ...defaults.filter(({ name }) => !names.has(name))];
  const hidden = untold[object.type];
  return hidden === undefined ? all : all.filter(({ name }) => !hidden.has(name));
}

/** Whether an attribute that is a flag holds for an object. */
export const flag = (object: ManagedObject, name: 'Fresh' | 'Sensitive' | 'Extractable'): boolean =>
  (object.attributes.find((each) => each.name === name) ?? defaults.find((each) => each.name === name))!.value === true;
