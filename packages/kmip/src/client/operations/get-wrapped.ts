import type { Secret } from '@vouchsafe/bytes/secret';
import type { encodingOption } from '../../enums.ts';
import { KmipError } from '../../error.ts';
import { type ManagedObject, wipeObject } from '../../managed-object.ts';
import { get as operation } from '../../operations/get.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';
import type { Expected } from './get.ts';

/** How a key is to be wrapped (KMIP 1.4, 2.1.6). */
export interface Wrapping {
  /** The id of the key that wraps; it must be Active. */
  readonly wrappingKey: string;
  /** RFC 3394, or RFC 5649 with padding. Default NISTKeyWrap. */
  readonly mode?: 'NISTKeyWrap' | 'AESKeyWrapPadding';
  /** What is wrapped: the key's octets, or its encoded Key Value. Default No Encoding. */
  readonly encoding?: keyof typeof encodingOption;
}

/** A key that only the holder of the wrapping key can read. */
export interface WrappedKey extends Disposable {
  readonly id: string;
  readonly wrapped: Secret;
  /** Of the key inside, as far as the server says so. */
  readonly algorithm: string | undefined;
  readonly length: number | undefined;
}

/** Fetches a key wrapped with another one. A server that gives it in the clear, or wrapped otherwise, is refused. */
export const getWrapped =
  (cluster: Cluster) =>
  async (id: string, wrapping: Wrapping, expected?: Expected, options: CallOptions = {}): Promise<WrappedKey> => {
    const { wrappingKey, mode = 'NISTKeyWrap', encoding = 'No Encoding' } = wrapping;
    const specification = {
      method: 'Encrypt' as const,
      encryption: { id: wrappingKey, parameters: { mode } },
      attributeNames: [],
      encoding,
    };
    const how = { id, deadline: cluster.deadline(options) };
    const answer = await cluster.send(withEncoding, { id, wrapping: specification }, how);
    try {
      expectId('Get', id, answer.id);
      return wrappedKey(id, answer.object, { wrappingKey, mode, encoding }, expected);
    } catch (error) {
      wipeObject(answer.object);
      throw error;
    }
  };

/** In 1.0 there is no Encoding Option: it would be left out, and the Key Value be wrapped. */
const withEncoding = { ...operation, since: { major: 1, minor: 1 } };

function wrappedKey(id: string, object: ManagedObject, asked: Required<Wrapping>, expected?: Expected): WrappedKey {
  if (object.type !== 'Symmetric Key') throw wrong(`a ${object.type} came`);
  const { value, wrapping, algorithm, length } = object.block;
  if (value === undefined || !('wrapped' in value) || wrapping === undefined) throw wrong('the key is not wrapped');
  if (wrapping.method !== 'Encrypt' || wrapping.encryption?.id !== asked.wrappingKey)
    throw wrong('the key is wrapped with another key, or otherwise');
  // Servers may leave out what is as it was asked for; the default of the standard for the encoding is TTLV Encoding.
  const { mode = asked.mode } = wrapping.encryption.parameters ?? {};
  if (mode !== asked.mode) throw wrong(`the key is wrapped by ${mode}, expected ${asked.mode}`);
  if ((wrapping.encoding ?? 'TTLV Encoding') !== asked.encoding)
    throw wrong(`the key is wrapped with ${wrapping.encoding ?? 'TTLV Encoding'}, expected ${asked.encoding}`);
  if (expected !== undefined && algorithm !== undefined && algorithm !== expected.algorithm)
    throw wrong(`expected ${expected.algorithm}, the key is ${algorithm}`);
  if (expected !== undefined && length !== undefined && length !== expected.length)
    throw wrong(`expected ${expected.length} bits, the key has ${length}`);
  const { wrapped } = value;
  checkLength(wrapped.length, asked, expected);
  return { id, wrapped, algorithm, length, [Symbol.dispose]: () => wrapped[Symbol.dispose]() };
}

/** RFC 3394, 2.2.1 and RFC 5649, 4.1: whole units of eight octets and one more. */
function checkLength(octets: number, { encoding }: Required<Wrapping>, expected?: Expected): void {
  if (octets % 8 !== 0 || octets < 16) throw wrong(`${octets} octets are no wrapped key`);
  if (encoding !== 'No Encoding' || expected === undefined) return;
  const right = 8 * Math.ceil(expected.length / 64) + 8;
  if (octets !== right) throw wrong(`a wrapped key of ${expected.length} bits has ${right} octets, ${octets} came`);
}

const wrong = (why: string) => new KmipError('answer.invalid', `Get: ${why}`);
