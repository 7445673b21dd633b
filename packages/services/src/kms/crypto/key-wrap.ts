import { createCipheriv, createDecipheriv } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';

interface Wrapping {
  readonly cipher: (bits: number) => string;
  readonly iv: Buffer;
  /** Whether so many octets can be wrapped. */
  readonly fits: (octets: number) => boolean;
}

/** Key wrapping with AES, by the block cipher modes of KMIP 1.4, 9.1.3.2.14. */
const wrappings = {
  /** AES Key Wrap, RFC 3394. */
  NISTKeyWrap: {
    cipher: (bits) => `id-aes${bits}-wrap`,
    iv: Buffer.alloc(8, 0xa6),
    fits: (octets) => octets >= 16 && octets % 8 === 0,
  },
  /** AES Key Wrap with Padding, RFC 5649. */
  AESKeyWrapPadding: {
    cipher: (bits) => `id-aes${bits}-wrap-pad`,
    iv: Buffer.from('a65959a6', 'hex'),
    fits: (octets) => octets >= 1,
  },
} as const satisfies Record<string, Wrapping>;

/** A mode that keys are wrapped with. */
export type WrappingMode = keyof typeof wrappings;

/** Whether keys are wrapped in this mode. */
export const isWrappingMode = (mode: string): mode is WrappingMode => Object.hasOwn(wrappings, mode);

/** Wraps a key. @throws {OperationError} when its length does not suit the mode */
export function wrapKey(mode: WrappingMode, wrapping: Secret, key: Uint8Array): Buffer {
  const { cipher, iv, fits } = wrappings[mode];
  if (!fits(key.length))
    throw new OperationError('Cryptographic Failure', `${mode}: ${key.length} octets cannot be wrapped`);
  return wrapping.use((kek) => {
    const work = createCipheriv(cipher(kekBits(kek)), kek, iv);
    return Buffer.concat([work.update(key), work.final()]);
  });
}

/** Unwraps a key. @throws {OperationError} `Cryptographic Failure` when it was wrapped with another one, or changed */
export function unwrapKey(mode: WrappingMode, wrapping: Secret, wrapped: Uint8Array): Secret {
  const { cipher, iv } = wrappings[mode];
  return wrapping.use((kek) => {
    const work = createDecipheriv(cipher(kekBits(kek)), kek, iv);
    let part: Buffer | undefined;
    try {
      // OpenSSL takes no octets at all for a wrapped key of no octets.
      if (wrapped.length < 16) throw new RangeError('too short');
      part = work.update(wrapped);
      return Secret.take(Buffer.concat([part, work.final()]));
    } catch {
      throw new OperationError('Cryptographic Failure', `${mode}: the wrapped key does not open`);
    } finally {
      part?.fill(0);
    }
  });
}

function kekBits(kek: Uint8Array): number {
  const bits = kek.length * 8;
  if (![128, 192, 256].includes(bits))
    throw new OperationError('Cryptographic Failure', `the wrapping key has ${bits} bits, expected 128, 192 or 256`);
  return bits;
}
