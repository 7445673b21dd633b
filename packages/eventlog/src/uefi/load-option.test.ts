import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { decodeLoadOption, isActive } from './load-option.ts';

const utf16 = (text: string) => new Uint8Array(Buffer.from(`${text}\0`, 'utf16le'));
const path = concat(fromHex('04041800'), utf16('\\EFI\\x.ef'), fromHex('7fff0400'));
const option = (length = path.length) =>
  concat(Uint8Array.of(1, 0, 0, 0, length & 255, length >> 8), utf16('Linux'), path, Uint8Array.of(7, 8));

test('an entry of the boot menu', () => {
  const { attributes, description, path: text, optionalData } = decodeLoadOption(option());
  assert.deepEqual([attributes, description, text, [...optionalData]], [1, 'Linux', '\\EFI\\x.ef', [7, 8]]);
  assert.equal(isActive({ attributes }), true);
  assert.equal(isActive({ attributes: 0x108 }), false);
});

const malformed: [name: string, bytes: Uint8Array, naming: RegExp][] = [
  ['nothing', new Uint8Array(), /attributes/],
  ['a path that is longer than the rest', option(60_000), /filePathList: need 60000/],
  ['a description without end', concat(fromHex('010000000000'), new Uint8Array(64).fill(0x41)), /description/],
  ['a long description', concat(fromHex('010000000000'), new Uint8Array(2000).fill(0x41)), /more than 512 characters/],
  ['too many bytes', new Uint8Array(65_537), /limit 65536/],
];
for (const [name, bytes, naming] of malformed) {
  test(`refused: ${name}`, () => assert.throws(() => decodeLoadOption(bytes), naming));
}

test('truncated, with bits flipped, or mutated it decodes or says why not', () => {
  const run = (bytes: Uint8Array) => {
    try {
      decodeLoadOption(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  };
  everyTruncation(option(), run);
  everyBitFlip(option(), run);
  mutations([option()], 11, 2_000, run);
});
