import type { KeyObject } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import type { KeyBlock } from '@vouchsafe/kmip/key-block';
import { type ManagedObject as Content, wipeObject } from '@vouchsafe/kmip/managed-object';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { register as operation } from '@vouchsafe/kmip/operations/register';
import { certificateAttributes } from '../content/certificate-attributes.ts';
import { isWrapped, plainValue, secretOf } from '../content/content.ts';
import { keyFacts, sameAlgorithm } from '../content/key-facts.ts';
import { isEncryptedPkcs8, readKey } from '../content/key-formats.ts';
import { symmetricOctets } from '../objects/made.ts';
import { insertNew } from '../objects/new-object.ts';
import { attributesAsked } from '../objects/templates.ts';
import { type Asked, invalid, notSupported } from './context.ts';

/** KMIP 1.4, 4.3. */
export async function register(
  { objectType, template, object: content }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  call.owned.defer(() => wipeObject(content));
  if (content.type !== objectType) throw invalid(`Object Type: ${objectType}, but a ${content.type} follows`);
  const asked = await attributesAsked(template, call);
  const { id } = await insertNew({ content, asked, derived: derivedAttributes(content, asked), made: false }, call);
  call.placeholder = id;
  return { id };
}

/**
 * What an object says of itself. A key that is not what its own description or its attributes say is refused: whoever
 * fetches it later would find out too late.
 * @throws {OperationError}
 */
export function derivedAttributes(content: Content, asked: readonly Attribute[]): Attribute[] {
  const facts = kinds[content.type];
  if (facts === undefined) throw notSupported(`Object Type: ${content.type}`);
  return facts(content as never, asked);
}

type Derive<T extends Content['type']> = (
  content: Extract<Content, { type: T }>,
  asked: readonly Attribute[],
) => Attribute[];

const kinds: { [T in Content['type']]?: Derive<T> } = {
  'Symmetric Key': (content, asked) => {
    const { algorithm, length } = described(content.block, asked);
    if (opened(content.block)) checkSymmetric(content, algorithm, length);
    return facts(algorithm, length);
  },
  'Private Key': (content, asked) => half(content, asked),
  'Public Key': (content, asked) => half(content, asked),
  'Secret Data': ({ block }, asked) => {
    const { algorithm, length } = described(block, asked);
    return facts(algorithm, length);
  },
  Certificate: ({ certificateType, value }) => {
    if (certificateType !== 'X.509') throw notSupported(`Certificate Type: ${certificateType}, expected X.509`);
    return certificateAttributes(value);
  },
  'Opaque Object': () => [],
  // What is in it, only PGP understands.
  'PGP Key': ({ block }, asked) => {
    const { algorithm, length } = described(block, asked);
    return facts(algorithm, length);
  },
  Template: ({ attributes }, asked) =>
    asked.some(({ name }) => name === 'Name') ? [] : attributes.filter(({ name }) => name === 'Name'),
};

/** Whether the server has the key itself. */
const opened = (block: KeyBlock): boolean => block.value !== undefined && !isWrapped(block);

function facts(algorithm: string | undefined, length: number | undefined): Attribute[] {
  return [
    ...(algorithm === undefined ? [] : [{ name: 'Cryptographic Algorithm', value: algorithm } as Attribute]),
    ...(length === undefined ? [] : [{ name: 'Cryptographic Length', value: length } as Attribute]),
  ];
}

/** Algorithm and length as key block and attributes agree on them. */
function described(block: KeyBlock, asked: readonly Attribute[]) {
  const algorithm = attributeValue(asked, 'Cryptographic Algorithm');
  const length = attributeValue(asked, 'Cryptographic Length');
  if (algorithm !== undefined && block.algorithm !== undefined && algorithm !== block.algorithm)
    throw invalid(`Cryptographic Algorithm: ${algorithm}, but the key block says ${block.algorithm}`);
  if (length !== undefined && block.length !== undefined && length !== block.length)
    throw invalid(`Cryptographic Length: ${length}, but the key block says ${block.length}`);
  return { algorithm: algorithm ?? block.algorithm, length: length ?? block.length };
}

function checkSymmetric(content: Content, algorithm: string | undefined, length: number | undefined): void {
  const octets = secretOf(content).length;
  if (octets === 0) throw invalid('Key Material: is empty');
  if (algorithm === undefined || length === undefined) throw invalid('Cryptographic Algorithm or Length: is missing');
  const expected = algorithm === 'AES' || algorithm === '3DES' ? symmetricOctets(algorithm, length) : length / 8;
  if (octets !== expected)
    throw invalid(`Key Material: ${octets} octets, but Cryptographic Length says ${length} bits`);
}

function half(
  content: Extract<Content, { type: 'Private Key' | 'Public Key' }>,
  asked: readonly Attribute[],
): Attribute[] {
  const { block, type } = content;
  const { algorithm, length } = described(block, asked);
  if (!opened(block)) return facts(algorithm, length);
  const { material } = plainValue(block);
  // Its password is the client's secret: it is kept as it is.
  if (block.format === 'PKCS#8' && material instanceof Secret && isEncryptedPkcs8(material))
    return facts(algorithm, length);
  const key: KeyObject = readKey(type, block.format, material);
  const found = keyFacts(key);
  if (found === undefined) throw notSupported('Key Material: a key of this kind, or on this curve');
  if (algorithm !== undefined && !sameAlgorithm(algorithm, found.algorithm))
    throw invalid(`Cryptographic Algorithm: ${algorithm}, but the key is one of ${found.algorithm}`);
  if (length !== undefined && length !== found.length)
    throw invalid(`Cryptographic Length: ${length}, but the key has ${found.length} bits`);
  return facts(algorithm ?? found.algorithm, found.length);
}
