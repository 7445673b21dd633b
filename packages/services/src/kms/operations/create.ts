import { randomBytes, randomUUID } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import type { cryptographicAlgorithm } from '@vouchsafe/kmip/enums';
import { SymmetricKey } from '@vouchsafe/kmip/managed-object';
import type { create as operation } from '@vouchsafe/kmip/operations/create';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { encodeItem } from '@vouchsafe/kmip/ttlv/item';
import { type ManagedObject, settled } from '../managed-object.ts';
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
export async function create(
  { objectType, template }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  if (objectType !== 'Symmetric Key') throw invalid(`Object Type: ${objectType} cannot be created`);
  if (template.names.length > 0) throw new OperationError('Feature Not Supported', 'templates');
  checkNames(template.attributes);
  const { algorithm, length, usage } = keyAttributes(template.attributes);
  const object = newObject(template.attributes, { algorithm, length, usage }, call);
  for (const attribute of object.attributes) await refuseTakenName(object.scope, attribute, call);
  using material = Secret.take(randomBytes(length / 8));
  using content = Secret.take(
    encodeItem(SymmetricKey, { block: { format: 'Raw', value: { material, attributes: [] }, algorithm, length } }),
  );
  await call.tx.insert(object, content);
  call.placeholder = object.id;
  return { objectType, id: object.id };
}

function checkNames(attributes: readonly Attribute[]): void {
  for (const [i, { name, index }] of attributes.entries()) {
    if (!single.has(name) && !isFree(name)) throw invalid(`${name}: is not for clients to set`);
    if (single.has(name) && attributes.findIndex((other) => other.name === name) < i)
      throw invalid(`${name}: stands twice`);
    if (index !== undefined && index < 0) throw invalid(`${name}: Attribute Index ${index}`);
  }
}

interface KeyAttributes {
  readonly algorithm: keyof typeof cryptographicAlgorithm;
  /** In bits. */
  readonly length: number;
  readonly usage: number;
}

function keyAttributes(attributes: readonly Attribute[]): KeyAttributes {
  const algorithm = attributeValue(attributes, 'Cryptographic Algorithm');
  const length = attributeValue(attributes, 'Cryptographic Length');
  const usage = attributeValue(attributes, 'Cryptographic Usage Mask');
  if (algorithm === undefined || !Object.hasOwn(lengths, algorithm))
    throw invalid('Cryptographic Algorithm: expected AES');
  if (length === undefined || !lengths[algorithm]!.includes(length))
    throw invalid(`Cryptographic Length: expected one of ${lengths[algorithm]!.join(', ')}`);
  if (usage === undefined || usage <= 0 || usage > 0xfffff)
    throw invalid('Cryptographic Usage Mask: is missing or empty');
  return { algorithm: algorithm as KeyAttributes['algorithm'], length, usage };
}

function newObject(asked: readonly Attribute[], { algorithm, length, usage }: KeyAttributes, call: Asked) {
  const object: ManagedObject = {
    id: randomUUID(),
    scope: call.client.scope,
    owner: call.client.name,
    type: 'Symmetric Key',
    state: 'Pre-Active',
    initial: call.now,
    activation: attributeValue(asked, 'Activation Date'),
    deactivation: attributeValue(asked, 'Deactivation Date'),
    changed: call.now,
    attributes: [
      { name: 'Cryptographic Algorithm', value: algorithm },
      { name: 'Cryptographic Length', value: length },
      { name: 'Cryptographic Usage Mask', value: usage },
      ...numbered(asked.filter(({ name }) => isFree(name))),
    ],
  };
  return settled(object, call.now);
}

/** Each attribute with its index among those of its name; an index of 0 is left out. */
const numbered = (attributes: readonly Attribute[]): Attribute[] =>
  attributes.map((each, i) => {
    const index = attributes.slice(0, i).filter(({ name }) => name === each.name).length;
    return { ...each, index: index === 0 ? undefined : index };
  });

const invalid = (why: string) => new OperationError('Invalid Field', why);
