import { randomBytes, randomUUID } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import type { create as operation } from '@vouchsafe/kmip/operations/create';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type ManagedObject, settled } from '../object.ts';
import type { KmsStore } from '../store.ts';
import { type Asked, isFree, refuseTakenName } from './context.ts';

/** The algorithms that keys are made for, with their lengths in bits. */
const lengths: Readonly<Record<string, readonly number[]>> = { AES: [128, 192, 256] };

/** Attributes that stand once. */
const single = new Set<string>([
  'Cryptographic Algorithm',
  'Cryptographic Length',
  'Cryptographic Usage Mask',
  'Activation Date',
  'Deactivation Date',
  'Operation Policy Name',
]);

/** KMIP 1.4, 4.1. */
export const create =
  (store: KmsStore) =>
  ({ objectType, template }: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> => {
    if (objectType !== 'Symmetric Key') throw invalid(`Object Type: ${objectType} cannot be created`);
    if (template.names.length > 0) throw new OperationError('Feature Not Supported', 'templates');
    checkNames(template.attributes);
    const object = newObject(template.attributes, call);
    using material = Secret.take(randomBytes(object.length / 8));
    store.insert(object, material);
    addFree(store, object, template.attributes);
    call.placeholder = object.id;
    return { objectType, id: object.id };
  };

function checkNames(attributes: readonly Attribute[]): void {
  for (const [i, { name, index }] of attributes.entries()) {
    if (!single.has(name) && !isFree(name)) throw invalid(`${name}: is not for clients to set`);
    if (single.has(name) && attributes.findIndex((other) => other.name === name) < i)
      throw invalid(`${name}: stands twice`);
    if (index !== undefined && index < 0) throw invalid(`${name}: Attribute Index ${index}`);
  }
}

function newObject(attributes: readonly Attribute[], call: Asked): ManagedObject {
  const algorithm = attributeValue(attributes, 'Cryptographic Algorithm');
  const length = attributeValue(attributes, 'Cryptographic Length');
  const usage = attributeValue(attributes, 'Cryptographic Usage Mask');
  if (algorithm === undefined || !Object.hasOwn(lengths, algorithm))
    throw invalid('Cryptographic Algorithm: expected AES');
  if (length === undefined || !lengths[algorithm]!.includes(length))
    throw invalid(`Cryptographic Length: expected one of ${lengths[algorithm]!.join(', ')}`);
  if (usage === undefined || usage <= 0 || usage > 0xfffff)
    throw invalid('Cryptographic Usage Mask: is missing or empty');
  const object: ManagedObject = {
    id: randomUUID(),
    owner: call.client.scope,
    type: 'Symmetric Key',
    state: 'Pre-Active',
    algorithm: algorithm as ManagedObject['algorithm'],
    length,
    usage,
    initial: call.now,
    activation: attributeValue(attributes, 'Activation Date'),
    deactivation: attributeValue(attributes, 'Deactivation Date'),
    changed: call.now,
  };
  return settled(object, call.now);
}

function addFree(store: KmsStore, { id, owner }: ManagedObject, attributes: readonly Attribute[]): void {
  const positions = new Map<string, number>();
  for (const attribute of attributes.filter(({ name }) => isFree(name))) {
    refuseTakenName(store, owner, attribute);
    const position = positions.get(attribute.name) ?? 0;
    store.addAttribute(id, attribute, position);
    positions.set(attribute.name, position + 1);
  }
}

const invalid = (why: string) => new OperationError('Invalid Field', why);
