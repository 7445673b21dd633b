import { Secret } from '@vouchsafe/bytes/secret';
import { attributeValue } from '@vouchsafe/kmip/attribute';
import type { KeyWrappingSpecification } from '@vouchsafe/kmip/key-wrapping';
import {
  type ManagedObject as Content,
  type KeyObject as KeyContent,
  wipeObject,
} from '@vouchsafe/kmip/managed-object';
import type { get as operation } from '@vouchsafe/kmip/operations/get';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { rankOfNumbers } from '@vouchsafe/kmip/ttlv/vocabulary';
import { flag, toldAttributes } from '../attributes/told.ts';
import { isWrapped, plainValue, secretOf } from '../content/content.ts';
import { readKey, writeKey } from '../content/key-formats.ts';
import { checkWrapping, unwrapped, type WrappingKey, wrapped } from '../content/wrapping.ts';
import type { ManagedObject } from '../managed-object.ts';
import { checkUse, parametersFor, type UseName } from '../usage.ts';
import { type Asked, contentOf, invalid, spend, subject } from './context.ts';

type Request = RequestOf<typeof operation>;

/**
 * KMIP 1.4, 4.11. A key is handed out in every state that it still exists in: some clients fetch it before they
 * activate it, and data must be readable after its key was deactivated or compromised.
 */
export async function get(request: Request, call: Asked): Promise<ResponseOf<typeof operation>> {
  const object = await subject(request.id, call);
  return { objectType: object.type, id: object.id, object: await handedOut(object, request, call) };
}

/** An object's content as a client asks for it; it is fresh no longer. @throws {OperationError} */
export async function handedOut(object: ManagedObject, request: Request, call: Asked): Promise<Content> {
  const content = await contentFor(object, request, call);
  if (flag(object, 'Fresh')) await call.tx.update(notFresh(object));
  return content;
}

async function contentFor(object: ManagedObject, request: Request, call: Asked): Promise<Content> {
  const content = await contentOf(object, call);
  checkExtractable(object, request.wrapping !== undefined);
  if (!('block' in content)) {
    if (request.format ?? request.compression ?? request.wrapping)
      throw invalid(`a ${content.type} has no Key Format Type, and is not wrapped`);
    return content;
  }
  const formatted = inFormat(await opened(content, request, call), request, call);
  return request.wrapping === undefined ? formatted : await wrappedFor(object, formatted, request.wrapping, call);
}

/** KMIP 1.4, 3.48 and 3.50. */
function checkExtractable(object: ManagedObject, isWrappedFor: boolean): void {
  if (!flag(object, 'Extractable')) throw new OperationError('Not Extractable', 'the object never leaves the server');
  if (flag(object, 'Sensitive') && !isWrappedFor)
    throw new OperationError(
      'Sensitive',
      'the object leaves the server wrapped only: state a Key Wrapping Specification',
    );
}

/** A key that was registered wrapped stays so, unless the client asks for the key itself. */
async function opened(content: KeyContent, { wrapType }: Request, call: Asked): Promise<KeyContent> {
  if (!isWrapped(content.block) || wrapType !== 'Not Wrapped') return content;
  const by = await wrappingKey(content.block.wrapping?.encryption?.id, 'Unwrap Key', call);
  const plain = unwrapped(content, by);
  call.owned.defer(() => wipeObject(plain));
  return plain;
}

/** KMIP 1.4, 4.11: another Key Format Type when the client asks for one. */
function inFormat(content: KeyContent, { format, compression }: Request, call: Asked): KeyContent {
  if (compression !== undefined && compression !== content.block.compression)
    throw new OperationError('Key Compression Type Not Supported', `${compression}: points are handed out as they are`);
  if (format === undefined || format === content.block.format) return content;
  const value = isWrapped(content.block) ? undefined : plainValue(content.block);
  if (value === undefined)
    throw new OperationError(
      'Key Format Type Not Supported',
      `${format}: the key is wrapped as ${content.block.format}`,
    );
  const material = converted(content, format);
  const other = { ...content, block: { ...content.block, format, value: { ...value, material } } };
  call.owned.defer(() => wipeObject(other));
  return other;
}

function converted(content: KeyContent, format: string) {
  if (content.type === 'Private Key' || content.type === 'Public Key') {
    const key = readKey(content.type, content.block.format, plainValue(content.block).material);
    return writeKey(content.type, format, key);
  }
  if (content.type === 'Symmetric Key' && (format === 'Raw' || format === 'Transparent Symmetric Key')) {
    const key = secretOf(content).use((octets) => Secret.take(Uint8Array.from(octets)));
    return format === 'Raw' ? key : { key };
  }
  throw new OperationError(
    'Key Format Type Not Supported',
    `${format}: a ${content.type} stands as ${content.block.format}`,
  );
}

async function wrappedFor(
  object: ManagedObject,
  content: KeyContent,
  specification: KeyWrappingSpecification,
  call: Asked,
): Promise<Content> {
  checkWrapping(specification);
  const { id } = specification.encryption!;
  if (id === object.id) throw new OperationError('Illegal Operation', 'a key cannot wrap itself');
  const by = await wrappingKey(id, 'Wrap Key', call);
  const told = toldAttributes(object).filter(({ name }) => specification.attributeNames.includes(name));
  const rank = rankOfNumbers(call.version.major, call.version.minor);
  const result = wrapped(content, told, by, specification, rank);
  call.owned.defer(() => wipeObject(result));
  return result;
}

/** A key that may wrap or unwrap others now. Whoever cannot see it learns nothing of it. @throws {OperationError} */
async function wrappingKey(id: string | undefined, use: UseName, call: Asked): Promise<WrappingKey> {
  if (id === undefined) throw invalid('Encryption Key Information: is missing');
  const object = await subject(id, call);
  if (object.type !== 'Symmetric Key') throw new OperationError('Illegal Operation', `a ${object.type} wraps no key`);
  if (attributeValue(object.attributes, 'Cryptographic Algorithm') !== 'AES')
    throw new OperationError('Illegal Operation', 'only AES keys wrap others');
  checkUse(object, use, call.now);
  if (use === 'Wrap Key') await spend(object, 0, call);
  return { key: secretOf(await contentOf(object, call)), parameters: parametersFor(object, undefined) };
}

/** KMIP 1.4, 3.34: an object that was handed out is not fresh any more. */
const notFresh = (object: ManagedObject): ManagedObject => ({
  ...object,
  attributes: [...object.attributes.filter(({ name }) => name !== 'Fresh'), { name: 'Fresh', value: false }],
});
