import { Secret } from '@vouchsafe/bytes/secret';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { CryptographicParameters } from '@vouchsafe/kmip/cryptographic-parameters';
import { PlainKeyValue } from '@vouchsafe/kmip/key-block';
import type { KeyWrappingSpecification } from '@vouchsafe/kmip/key-wrapping';
import type { KeyObject as KeyContent } from '@vouchsafe/kmip/managed-object';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { decodeItem, encodeItem } from '@vouchsafe/kmip/ttlv/item';
import type { Rank } from '@vouchsafe/kmip/ttlv/vocabulary';
import { isWrappingMode, unwrapKey, type WrappingMode, wrapKey } from '../crypto/key-wrap.ts';
import { plainValue } from './content.ts';

/** A key that wraps others, and how it does by itself. */
export interface WrappingKey {
  readonly key: Secret;
  readonly parameters: CryptographicParameters;
}

/** Refuses what is not wrapped here, before any key is opened. @throws {OperationError} */
export function checkWrapping({
  method,
  encryption,
  authentication,
  encoding,
  attributeNames,
}: KeyWrappingSpecification): void {
  if (method !== 'Encrypt' || authentication !== undefined)
    throw new OperationError('Feature Not Supported', `Wrapping Method: ${method}, expected Encrypt`);
  if (encryption === undefined) throw new OperationError('Invalid Field', 'Encryption Key Information: is missing');
  if (encoding === 'No Encoding' && attributeNames.length > 0)
    throw new OperationError('Encoding Option Error', 'No Encoding: attributes cannot be wrapped with the key');
}

/**
 * Wraps the key of an object: its octets alone without encoding, otherwise the encoded Key Value (KMIP 1.4, 2.1.4 to
 * 2.1.6). The block says how, in the words of the request.
 */
export function wrapped<C extends KeyContent>(
  content: C,
  attributes: readonly Attribute[],
  by: WrappingKey,
  { method, encryption, encoding }: KeyWrappingSpecification,
  rank: Rank,
): C {
  const mode = wrappingMode(encryption!.parameters, by.parameters);
  const { material } = plainValue(content.block);
  const octets =
    encoding === 'No Encoding'
      ? bare(material).use((bytes) => wrapKey(mode, by.key, bytes))
      : encodedValue({ material, attributes: [...attributes] }, rank).use((bytes) => wrapKey(mode, by.key, bytes));
  const wrapping = { method, encryption: encryption!, encoding };
  return { ...content, block: { ...content.block, value: { wrapped: Secret.take(octets) }, wrapping } };
}

/** Opens a key that was registered wrapped. @throws {OperationError} when the key does not open it */
export function unwrapped<C extends KeyContent>(content: C, by: WrappingKey): C {
  const { value, wrapping, ...block } = content.block;
  if (wrapping?.encryption === undefined || wrapping.method !== 'Encrypt' || value === undefined)
    throw new OperationError('Feature Not Supported', 'the key was wrapped in a way that is not opened here');
  const octets = 'wrapped' in value ? value.wrapped : bare(value.material);
  const mode = wrappingMode(wrapping.encryption.parameters, by.parameters);
  const opened = octets.use((bytes) => unwrapKey(mode, by.key, bytes));
  if (wrapping.encoding === 'No Encoding')
    return { ...content, block: { ...block, value: { material: opened, attributes: [] } } };
  try {
    return { ...content, block: { ...block, value: opened.use((bytes) => decodeItem(PlainKeyValue, bytes)) } };
  } finally {
    opened[Symbol.dispose]();
  }
}

/** The mode of the request, of the wrapping key, or AES Key Wrap. */
function wrappingMode(asked: CryptographicParameters | undefined, own: CryptographicParameters): WrappingMode {
  const mode = asked?.mode ?? own.mode ?? 'NISTKeyWrap';
  if (!isWrappingMode(mode))
    throw new OperationError(
      'Feature Not Supported',
      `Block Cipher Mode: ${mode}, expected NISTKeyWrap or AESKeyWrapPadding`,
    );
  return mode;
}

function bare(material: PlainKeyValue['material']): Secret {
  if (material instanceof Secret) return material;
  throw new OperationError('Encoding Option Error', 'No Encoding: the key stands in its parts, ask for another format');
}

function encodedValue(value: PlainKeyValue, rank: Rank): { use<T>(f: (bytes: Uint8Array) => T): T } {
  return {
    use(f) {
      using encoded = Secret.take(encodeItem(PlainKeyValue, value, rank));
      return encoded.use(f);
    },
  };
}
