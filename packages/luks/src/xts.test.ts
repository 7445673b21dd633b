import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { fromHex, hex } from '@vouchsafe/bytes/hex';
import { seeded } from '@vouchsafe/bytes/hostile';
import { Secret } from '@vouchsafe/bytes/secret';
import { Xts, xtsKeys } from './xts.ts';

const random = seeded(1619);
const bytes = (size: number) => Uint8Array.from({ length: size }, () => random() * 256);

function oneSector(key: Uint8Array, sector: Uint8Array, number: bigint): Uint8Array {
  const iv = new Uint8Array(16);
  new DataView(iv.buffer).setBigUint64(0, number, true);
  return createCipheriv('aes-256-xts', key, iv).update(sector);
}

for (const [sectors, first] of [
  [1, 0],
  [3, 2 ** 32 - 1],
  [128, 7],
  [129, 2 ** 40 + 5],
  [515, 1000],
] as const) {
  test(`${sectors} sectors from number ${first} on are those of aes-256-xts`, () => {
    const key = bytes(64);
    const plain = bytes(sectors * 512);
    const xts = new Xts(xtsKeys(Secret.take(key.slice())));
    const done = plain.slice();
    xts.encrypt(done, first);
    for (let i = 0; i < sectors; i++) {
      const range = [i * 512, i * 512 + 512] as const;
      assert.equal(
        hex(done.subarray(...range)),
        hex(oneSector(key, plain.subarray(...range), BigInt(first) + BigInt(i))),
      );
    }
    xts.decrypt(done, first);
    assert.deepEqual(done, plain);
  });
}

test('IEEE 1619, annex B, vector 10: 512 bytes under XTS-AES-256 in data unit ff', () => {
  const key = fromHex(
    '27182818284590452353602874713526624977572470936999595749669676273141592653589793238462643383279502884197169399375105820974944592',
  );
  const plain = Uint8Array.from({ length: 512 }, (_, i) => i & 0xff);
  new Xts(xtsKeys(Secret.take(key))).encrypt(plain, 0xff);
  assert.equal(hex(plain.subarray(0, 32)), '1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b');
});

test('keys of another size, keys with equal halves and broken sectors are refused', () => {
  assert.throws(() => xtsKeys(Secret.take(new Uint8Array(32))), { code: 'key.size' });
  assert.throws(() => xtsKeys(Secret.take(new Uint8Array(64).fill(7))), { code: 'key.halves-equal' });
  const xts = new Xts(xtsKeys(Secret.take(bytes(64))));
  assert.throws(() => xts.encrypt(new Uint8Array(511), 0), TypeError);
});
