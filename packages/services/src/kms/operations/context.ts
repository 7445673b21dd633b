import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { Call } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { KmsClient } from '../client.ts';
import { type ManagedObject, settled } from '../managed-object.ts';
import type { KeyTransaction } from '../store.ts';

/** Who asks, and the store as it is for this message. */
export type Asked = Call<KmsClient, KeyTransaction>;

/** Attributes of a client's own choice: several may have the same name. */
const free = new Set<string>(['Name', 'Object Group', 'Contact Information']);

/** Whether clients may set this attribute to any value, any number of times. Names of servers (`y-`) are not theirs. */
export const isFree = (name: string): boolean => free.has(name) || /^x-[^\p{Cc}]{1,253}$/u.test(name);

/**
 * The object that an operation is about: the one named, or the ID Placeholder. Its dates have had their effect.
 * @throws {OperationError} `Item Not Found`, in the same words for what does not exist and what belongs to others
 */
export async function subject(id: string | undefined, call: Asked): Promise<ManagedObject> {
  const wanted = id ?? call.placeholder;
  if (wanted === undefined)
    throw new OperationError('Missing Data', 'no Unique Identifier, and no ID Placeholder is set');
  const found = await call.tx.object(call.client.scope, wanted);
  if (found === undefined) throw new OperationError('Item Not Found', 'no such object');
  return settled(found, call.now);
}

/** Refuses a Name that another living object of the same scope has. */
export async function refuseTakenName(scope: string, attribute: Attribute, call: Asked): Promise<void> {
  if (attribute.name !== 'Name') return;
  for await (const { state } of call.tx.find({ scope, attributes: [attribute] }))
    if (!state.startsWith('Destroyed'))
      throw new OperationError('Invalid Field', 'Name: an object has this name already');
}
