import { type Cipheriv, createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { endianness } from 'node:os';
import type { Secret } from '@vouchsafe/bytes/secret';
import { LuksError } from './error.ts';
import { sectorSize, volumeKeySize } from './layout.ts';

/** The two AES-256 keys of a volume key, held outside the JavaScript heap; they can be posted to a worker. */
export interface XtsKeys {
  readonly data: KeyObject;
  readonly tweak: KeyObject;
}

/**
 * Splits a 64-byte volume key. IEEE 1619 and FIPS 140 want two unlike halves: with equal ones the tweak of a sector is
 * its encrypted number and XTS falls to a chosen-ciphertext attack.
 * @throws {LuksError} `key.size`, `key.halves-equal`
 */
export function xtsKeys(volumeKey: Secret): XtsKeys {
  return volumeKey.use((bytes) => {
    if (bytes.length !== volumeKeySize)
      throw new LuksError('key.size', `the volume key has ${bytes.length} bytes, expected ${volumeKeySize}`);
    const data = createSecretKey(bytes.subarray(0, 32));
    const tweak = createSecretKey(bytes.subarray(32));
    if (data.equals(tweak))
      throw new LuksError('key.halves-equal', 'the two halves of the volume key are equal; generate another key');
    return { data, tweak };
  });
}

/** Bytes worked on at once: three buffers of it stay in the processor's cache. */
const batch = 1 << 16;
const batchWords = batch / 4;
const sectorWords = sectorSize / 4;

/**
 * AES-256-XTS over 512-byte sectors, tweak = sector number as 64-bit little-endian number (dm-crypt `plain64`).
 *
 * Setting up a cipher costs more than encrypting a sector with it, so whole batches are done as IEEE 1619 5.3.1 spells
 * it out: the tweaks of all sectors in one ECB call, their doublings and the XORs in 32-bit words, the blocks in a
 * second ECB call.
 */
export class Xts implements Disposable {
  readonly #tweaker: Cipheriv;
  readonly #encryptor: Cipheriv;
  readonly #decryptor: Cipheriv;
  readonly #numbers = new Uint32Array((batch / sectorSize) * 4);
  readonly #tweaks = new Uint32Array(batchWords);
  readonly #work = new Uint32Array(batchWords);

  /** @throws {LuksError} `platform.endianness` on a big-endian machine: the words here are little-endian */
  constructor(keys: XtsKeys) {
    if (endianness() !== 'LE')
      throw new LuksError('platform.endianness', 'disk encryption is made for little-endian machines only');
    this.#tweaker = createCipheriv('aes-256-ecb', keys.tweak, null).setAutoPadding(false);
    this.#encryptor = createCipheriv('aes-256-ecb', keys.data, null).setAutoPadding(false);
    this.#decryptor = createDecipheriv('aes-256-ecb', keys.data, null).setAutoPadding(false);
  }

  /** Encrypts whole sectors in place; `first` is the number of the first one, from the start of the data. */
  encrypt(sectors: Uint8Array, first: number): void {
    this.#run(this.#encryptor, sectors, first);
  }

  /** Decrypts whole sectors in place. */
  decrypt(sectors: Uint8Array, first: number): void {
    this.#run(this.#decryptor, sectors, first);
  }

  /** Wipes the working buffers. */
  [Symbol.dispose](): void {
    this.#work.fill(0);
    this.#tweaks.fill(0);
  }

  #run(cipher: Pick<Cipheriv, 'update'>, sectors: Uint8Array, first: number): void {
    if (sectors.length % sectorSize !== 0) throw new TypeError(`${sectors.length} bytes are not whole sectors`);
    const words = wordsOf(sectors);
    for (let at = 0; at < words.length; at += batchWords) {
      const piece = words.subarray(at, at + batchWords);
      this.#whiten(piece, first + at / sectorWords);
      const done = wordsOf(cipher.update(bytesOf(this.#work, piece.length)));
      const tweaks = this.#tweaks;
      for (let i = 0; i < piece.length; i++) piece[i] = done[i]! ^ tweaks[i]!;
      release(done);
    }
  }

  /** Fills the tweaks of every block, and the blocks XOR their tweaks. */
  #whiten(piece: Uint32Array, first: number): void {
    const [tweaks, work] = [this.#tweaks, this.#work];
    const start = this.#firstTweaks(first, piece.length / sectorWords);
    for (let at = 0, s = 0; at < piece.length; s += 4) {
      let [a, b, c, d] = [start[s]! | 0, start[s + 1]! | 0, start[s + 2]! | 0, start[s + 3]! | 0];
      for (const end = at + sectorWords; at < end; at += 4) {
        tweaks[at] = a;
        tweaks[at + 1] = b;
        tweaks[at + 2] = c;
        tweaks[at + 3] = d;
        work[at] = piece[at]! ^ a;
        work[at + 1] = piece[at + 1]! ^ b;
        work[at + 2] = piece[at + 2]! ^ c;
        work[at + 3] = piece[at + 3]! ^ d;
        // Times x in GF(2^128) with x^128 = x^7 + x^2 + x + 1 (IEEE 1619, 5.2).
        const carry = (d >> 31) & 0x87;
        d = (d << 1) | (c >>> 31);
        c = (c << 1) | (b >>> 31);
        b = (b << 1) | (a >>> 31);
        a = (a << 1) ^ carry;
      }
    }
  }

  #firstTweaks(first: number, sectors: number): Uint32Array {
    for (let i = 0; i < sectors; i++) {
      this.#numbers[i * 4] = (first + i) >>> 0;
      this.#numbers[i * 4 + 1] = Math.floor((first + i) / 2 ** 32);
    }
    return wordsOf(this.#tweaker.update(bytesOf(this.#numbers, sectors * 4)));
  }
}

const bytesOf = (words: Uint32Array, count: number): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, count * 4);

const wordsOf = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);

/**
 * Frees the buffer of a cipher's result now. Left to the garbage collector, which sees small objects only, each thread
 * would pile up some hundred MiB of them.
 */
function release(words: Uint32Array): void {
  words.fill(0);
  if (words.buffer instanceof ArrayBuffer) words.buffer.transfer(0);
}
