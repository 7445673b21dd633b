import { randomUUID } from 'node:crypto';
import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { type ManagedObject as Content, wipeObject } from '@vouchsafe/kmip/managed-object';
import type { Call } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { KmsClient } from '../client.ts';
import { decodeContent } from '../content/content.ts';
import { type ManagedObject, settled } from '../managed-object.ts';
import type { Session } from '../session.ts';
import { isInToken, type TokenKeys } from '../token-keys.ts';
import { spent } from '../usage.ts';

/** Who asks, and the store as it is for this message. */
export type Asked = Call<KmsClient, Session>;

/**
 * The object that an operation is about: the one named, or the ID Placeholder. Its dates have had their effect.
 * @throws {OperationError} `Item Not Found`, in the same words for what does not exist and what belongs to others
 */
export async function subject(id: string | undefined, call: Asked): Promise<ManagedObject> {
  const wanted = id ?? call.placeholder;
  if (wanted === undefined)
    throw new OperationError('Item Not Found', 'no Unique Identifier, and no ID Placeholder is set');
  const found = await call.tx.object(call.client.scope, wanted);
  if (found === undefined) throw new OperationError('Item Not Found', 'no such object');
  return settled(found, call.now);
}

/** Whether an object was destroyed: its attributes remain, its content is gone. */
export const isDestroyed = ({ destroyed }: ManagedObject): boolean => destroyed !== undefined;

/**
 * The content of an object, wiped when the message was answered.
 * @throws {OperationError} `Item Not Found` when it was destroyed
 */
export async function contentOf(object: ManagedObject, call: Asked): Promise<Content> {
  const stored = await call.tx.content(object);
  if (stored === undefined) throw new OperationError('Item Not Found', 'the object was destroyed');
  const content = decodeContent(stored);
  call.owned.defer(() => wipeObject(content));
  return content;
}

/**
 * The token, if it has the key of this object; nothing for a key that is here.
 * @throws {OperationError} when the object was destroyed, or is in a token that this server does not have
 */
export function tokenOf(object: ManagedObject, call: Asked): TokenKeys | undefined {
  if (!isInToken(object)) return undefined;
  if (isDestroyed(object)) throw new OperationError('Item Not Found', 'the object was destroyed');
  if (call.tx.tokenKeys !== undefined) return call.tx.tokenKeys;
  throw new OperationError('Key Value Not Present', 'the key is in a token that this server does not have');
}

/** Refuses a Name that another living object of the same scope has (KMIP 1.4, 3.2). */
export async function refuseTakenNames(
  attributes: readonly Attribute[],
  call: Asked,
  { except = [], reason = 'Invalid Field' }: { except?: readonly string[]; reason?: OperationError['reason'] } = {},
): Promise<void> {
  for (const attribute of attributes.filter(({ name }) => name === 'Name')) {
    const query = { scope: call.client.scope, attributes: [attribute] };
    for await (const other of call.tx.find(query))
      if (!isDestroyed(other) && !except.includes(other.id))
        throw new OperationError(reason, 'Name: an object has this name already');
  }
}

/** Takes what an operation protects from the Usage Limits of its key, if it has any. @throws {OperationError} */
export async function spend(object: ManagedObject, octets: number, call: Asked): Promise<void> {
  const after = spent(object, octets);
  if (after !== object) await call.tx.update(after);
}

/** What an operation does not do that the standard would let it. */
export const notSupported = (what: string): OperationError => new OperationError('Feature Not Supported', what);

export const invalid = (why: string): OperationError => new OperationError('Invalid Field', why);

/** Ids say nothing about the object and cannot be guessed. */
export const newId = (): string => randomUUID();

/** Bits of the mask that the standard knows (KMIP 2.1, 11.15). */
const allUses = 0xffffff;

/** A key that is made for nothing could never be used (KMIP 1.4, 3.19). @throws {OperationError} */
export function checkMask(attributes: readonly Attribute[]): void {
  const mask = attributeValue(attributes, 'Cryptographic Usage Mask');
  if (mask === undefined || mask <= 0 || mask > allUses) throw invalid('Cryptographic Usage Mask: is missing or empty');
}

/** The object that an operation changes. @throws {OperationError} `Item Not Found`, also when it was destroyed */
export async function livingSubject(id: string | undefined, call: Asked): Promise<ManagedObject> {
  const object = await subject(id, call);
  if (isDestroyed(object)) throw new OperationError('Item Not Found', 'the object was destroyed');
  return object;
}

/** An operation in several parts would need what stays between messages. @throws {OperationError} `Feature Not Supported` */
export function refuseParts(request: {
  readonly correlation?: Uint8Array | undefined;
  readonly init?: boolean | undefined;
  readonly final?: boolean | undefined;
}): void {
  const whole = request.correlation === undefined && (request.init ?? false) === (request.final ?? false);
  if (!whole) throw notSupported('an operation in several parts: hand all data in at once');
}

/** A field that this operation cannot do without. @throws {OperationError} `Missing Data` */
export function given<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new OperationError('Missing Data', `${name}: is missing`);
  return value;
}
