import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { decodeGpt } from './gpt.ts';

function gpt(count: number, entrySize = 128): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(92);
  header.set(Buffer.from('EFI PART'));
  const view = new DataView(header.buffer);
  view.setUint32(84, entrySize, true);
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(count), true);
  const entry = new Uint8Array(entrySize);
  if (entrySize >= 128) entry.set(Buffer.from('ESP', 'utf16le'), 56);
  return concat(header, number, ...Array.from({ length: Math.min(count, 8) }, () => entry));
}

test('UEFI 2.10, 5.3: header and partitions in use', () => {
  assert.deepEqual(
    decodeGpt(gpt(2)).partitions.map(({ name }) => name),
    ['ESP', 'ESP'],
  );
  assert.deepEqual(decodeGpt(gpt(0)).partitions, []);
});

test('partition tables whose numbers cannot be are refused', () => {
  assert.throws(() => decodeGpt(gpt(2 ** 40)), /1099511627776 partitions, limit 1024 \(at byte 92\)/);
  assert.throws(() => decodeGpt(gpt(1, 4)), /sizeOfPartitionEntry 4, expected 128\.\.4096/);
  assert.throws(() => decodeGpt(gpt(9)), /\[8\]: need 128 bytes, 0 left/);
  assert.throws(() => decodeGpt(concat(gpt(1), Uint8Array.of(0))), /1 bytes too many/);
});

test('truncations and bit flips end in a table or in a clear error', () => {
  const survive = (bytes: Uint8Array) => {
    try {
      decodeGpt(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  };
  everyTruncation(gpt(1), survive);
  everyBitFlip(gpt(1), survive);
});
