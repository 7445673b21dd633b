import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { Call } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { KmsClient } from '../client.ts';
import { type ManagedObject, settled } from '../object.ts';
import type { KmsStore } from '../store.ts';

/** Who asks. */
export type Asked = Call<KmsClient>;

/** Attributes of a client's own choice: several may have the same name. */
const free = new Set<string>(['Name', 'Object Group', 'Contact Information']);

/** Whether clients may set this attribute to any value, any number of times. Names of servers (`y-`) are not theirs. */
export const isFree = (name: string): boolean => free.has(name) || /^x-[^\p{Cc}]{1,253}$/u.test(name);

/**
 * The object that an operation is about: the one named, or the ID Placeholder. Its dates have had their effect.
 * @throws {OperationError} `Item Not Found`, in the same words for what does not exist and what belongs to others
 */
export function subject(store: KmsStore, id: string | undefined, call: Asked): ManagedObject {
  const wanted = id ?? call.placeholder;
  if (wanted === undefined)
    throw new OperationError('Missing Data', 'no Unique Identifier, and no ID Placeholder is set');
  const found = store.object(call.client.scope, wanted);
  if (found === undefined) throw new OperationError('Item Not Found', 'no such object');
  return settle(store, found, call.now);
}

/** Lets the dates have their effect, and writes it down. */
export function settle(store: KmsStore, object: ManagedObject, now: Date): ManagedObject {
  const today = settled(object, now);
  if (today !== object) store.update(today);
  return today;
}

/** Refuses a Name that another living object of the same owner has. */
export function refuseTakenName(store: KmsStore, owner: string, attribute: Attribute): void {
  if (attribute.name !== 'Name') return;
  const taken = store.find({ owner, free: [attribute] }).some(({ state }) => !state.startsWith('Destroyed'));
  if (taken) throw new OperationError('Invalid Field', 'Name: an object has this name already');
}
