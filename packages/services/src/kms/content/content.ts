import type { KeyObject } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { KeyBlock, PlainKeyValue } from '@vouchsafe/kmip/key-block';
import { type ManagedObject as Content, ManagedObject as ContentItem } from '@vouchsafe/kmip/managed-object';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { decodeItem, encodeItem } from '@vouchsafe/kmip/ttlv/item';
import { type KeyHalf, readKey } from './key-formats.ts';

/** The content of an object as it is stored: encoded, whatever version brought it. */
export const encodeContent = (content: Content): Secret => Secret.take(encodeItem(ContentItem, content));

/** Reads stored content, whose octets are wiped; whoever gets it wipes it with `wipeObject`. */
export function decodeContent(stored: Secret): Content {
  using octets = stored;
  return octets.use((bytes) => decodeItem(ContentItem, bytes));
}

/** The key value of a block that is there and not wrapped. @throws {OperationError} */
export function plainValue(block: KeyBlock): PlainKeyValue {
  if (block.value === undefined)
    throw new OperationError('Key Value Not Present', 'the key itself is kept elsewhere: see Key Value Location');
  if (isWrapped(block) || 'wrapped' in block.value)
    throw new OperationError('Cryptographic Failure', 'the key is wrapped, and the server has not opened it');
  return block.value;
}

/** Whether what stands in a key block is not the key, but what it became when it was wrapped. */
export const isWrapped = ({ value, wrapping }: KeyBlock): boolean =>
  wrapping !== undefined || (value !== undefined && 'wrapped' in value);

/** The octets of a symmetric key, or of secret data; they remain the content's. @throws {OperationError} */
export function secretOf(content: Content): Secret {
  if (content.type !== 'Symmetric Key' && content.type !== 'Secret Data')
    throw new OperationError('Illegal Operation', `a ${content.type} is no secret key`);
  const { material } = plainValue(content.block);
  const octets = material instanceof Secret ? material : material.key;
  if (octets === undefined) throw new OperationError('Invalid Field', 'Key Material: Key is missing');
  return octets;
}

/** One half of a key pair, for OpenSSL. @throws {OperationError} also when it would keep a core busy for long */
export function halfOf(half: KeyHalf, content: Content): KeyObject {
  if (content.type !== half) throw new OperationError('Illegal Operation', `a ${content.type} is no ${half}`);
  const key = readKey(half, content.block.format, plainValue(content.block).material);
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (half === 'Private Key' && modulusLength > mostBitsUsed)
    throw new OperationError(
      'Cryptographic Failure',
      `the key has ${modulusLength} bits: more than ${mostBitsUsed} are kept here, but not used`,
    );
  return key;
}

/** Of an RSA private key: what it does takes eight times as long with twice the bits, and others wait meanwhile. */
const mostBitsUsed = 4096;
