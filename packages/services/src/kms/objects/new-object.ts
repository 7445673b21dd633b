import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { attributeFacts, clientMay } from '@vouchsafe/kmip/attribute-table';
import { limits } from '@vouchsafe/kmip/limits';
import type { ManagedObject as Content } from '@vouchsafe/kmip/managed-object';
import { initial, reserved } from '../attributes/change.ts';
import { dateField, isCustomName, isMultiple } from '../attributes/writable.ts';
import { encodeContent } from '../content/content.ts';
import { digestAttribute } from '../content/digest.ts';
import { type ManagedObject, settled } from '../managed-object.ts';
import { type Asked, invalid, refuseTakenNames } from '../operations/context.ts';

/** An object that is about to be. */
export interface NewObject {
  /** Default: a random one. */
  readonly id?: string;
  readonly content: Content;
  /** As the client gave them. */
  readonly asked: readonly Attribute[];
  /** What the server knows by itself; a client may say the same. */
  readonly derived?: readonly Attribute[];
  /** The server made it: it knows when, and with which random numbers. */
  readonly made: boolean;
}

/** OpenSSL's generator, as Node uses it: CTR_DRBG with AES-256 (NIST SP 800-90A). */
export const generator = {
  algorithm: 'DRBG',
  cryptographicAlgorithm: 'AES',
  length: 256,
  drbg: 'CTR',
} as const;

/** Puts a new object into the store. Its content remains the caller's. @throws {OperationError} */
export async function insertNew(spec: NewObject, call: Asked): Promise<ManagedObject> {
  const object = newObject(spec, call);
  await refuseTakenNames(object.attributes, call);
  using content = encodeContent(spec.content);
  await call.tx.insert(object, content);
  return object;
}

function newObject({ id = randomUUID(), content, asked, derived = [], made }: NewObject, call: Asked): ManagedObject {
  const given = asked.filter((each) => !derived.some((own) => isSaid(own, each)));
  checkGiven(given);
  const fields: Record<string, Date> = {};
  const listed: Attribute[] = [...derived];
  for (const attribute of given) {
    const field = dateField(attribute.name);
    if (field !== undefined) fields[field] = attribute.value as Date;
    else listed.push(initial(attribute));
  }
  const attributes = [...numbered(listed), ...ownAttributes(content, listed, made, call.now)];
  if (attributes.length > limits.attributes - reserved)
    throw invalid(`${attributes.length} attributes, limit ${limits.attributes - reserved}`);
  const object: ManagedObject = {
    ...fields,
    id,
    scope: call.client.scope,
    owner: call.client.name,
    type: content.type,
    state: 'Pre-Active',
    initial: call.now,
    changed: call.now,
    attributes,
  };
  return settled(object, call.now);
}

/** A client may repeat what the server knows by itself. */
const isSaid = (own: Attribute, given: Attribute): boolean =>
  own.name === given.name && isDeepStrictEqual(own.value, given.value);

/** KMIP 1.4, 3: which attributes clients give a new object, and how often. */
function checkGiven(attributes: readonly Attribute[]): void {
  const seen = new Map<string, number>();
  for (const { name, index } of attributes) {
    const before = seen.get(name) ?? 0;
    if (name.startsWith('?') || !clientMay(name).set)
      throw invalid(`${name.replace(/^\?/, '')}: is not for clients to set`);
    if (attributeFacts(name) === undefined && !isCustomName(name))
      throw invalid('Attribute Name: expected x- and up to 253 visible characters');
    if (before > 0 && !isMultiple(name)) throw invalid(`${name}: stands twice`);
    if (index !== undefined && index !== before) throw invalid(`${name}: Attribute Index ${index}, expected ${before}`);
    seen.set(name, before + 1);
  }
}

/** What the server says of a new object. */
function ownAttributes(content: Content, given: readonly Attribute[], made: boolean, now: Date): Attribute[] {
  const digest = digestAttribute(content);
  const has = (name: string) => given.some((each) => each.name === name);
  return [
    ...(digest === undefined ? [] : [digest]),
    ...(made && !has('Original Creation Date') ? [{ name: 'Original Creation Date', value: now } as const] : []),
    ...(made && !has('Random Number Generator')
      ? [{ name: 'Random Number Generator', value: { ...generator } } as const]
      : []),
    ...('block' in content && content.block.value === undefined
      ? [{ name: 'Key Value Present', value: false } as const]
      : []),
    ...(attributeValue(given, 'Sensitive') === true ? [{ name: 'Always Sensitive', value: true } as const] : []),
    ...(attributeValue(given, 'Extractable') === false ? [{ name: 'Never Extractable', value: true } as const] : []),
  ];
}

/** Each attribute with its index among those of its name. */
function numbered(attributes: readonly Attribute[]): Attribute[] {
  const next = new Map<string, number>();
  return attributes.map((each) => {
    const index = next.get(each.name) ?? 0;
    next.set(each.name, index + 1);
    return { ...each, index };
  });
}
