import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { unwrapKey, type WrappingMode, wrapKey } from './key-wrap.ts';

const octets = (hex: string) => Buffer.from(hex, 'hex');
const secret = (hex: string) => Secret.take(octets(hex));

const kek = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const key = '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f';
const rfc5649 = '5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8';
const vectors: [string, WrappingMode, string, string, string][] = [
  ['3394, 4.1', 'NISTKeyWrap', kek.slice(0, 32), key.slice(0, 32), '1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5'],
  ['3394, 4.2', 'NISTKeyWrap', kek.slice(0, 48), key.slice(0, 32), '96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d'],
  ['3394, 4.3', 'NISTKeyWrap', kek, key.slice(0, 32), '64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7'],
  [
    '3394, 4.4',
    'NISTKeyWrap',
    kek.slice(0, 48),
    key.slice(0, 48),
    '031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2',
  ],
  [
    '3394, 4.5',
    'NISTKeyWrap',
    kek,
    key.slice(0, 48),
    'a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1',
  ],
  [
    '3394, 4.6',
    'NISTKeyWrap',
    kek,
    key,
    '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
  ],
  [
    '5649, 6, 20 octets',
    'AESKeyWrapPadding',
    rfc5649,
    'c37b7e6492584340bed12207808941155068f738',
    '138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a',
  ],
  ['5649, 6, 7 octets', 'AESKeyWrapPadding', rfc5649, '466f7250617369', 'afbeb0f07dfbf5419200f2ccb50bb24f'],
];

for (const [rfc, mode, wrapping, plain, wrapped] of vectors)
  test(`RFC ${rfc}: the vector wraps and unwraps`, () => {
    using by = secret(wrapping);
    assert.equal(wrapKey(mode, by, octets(plain)).toString('hex'), wrapped);
    using opened = unwrapKey(mode, by, octets(wrapped));
    assert.equal(
      opened.use((bytes) => Buffer.from(bytes).toString('hex')),
      plain,
    );
  });

const failure = (error: unknown) => error instanceof OperationError && error.reason === 'Cryptographic Failure';

test('a wrapped key that was changed anywhere, cut or wrapped by another key does not open', () => {
  using by = secret(kek);
  using other = Secret.take(randomBytes(32));
  for (const mode of ['NISTKeyWrap', 'AESKeyWrapPadding'] as const) {
    const wrapped = wrapKey(mode, by, octets(key));
    for (let bit = 0; bit < wrapped.length * 8; bit += 7) {
      const changed = Buffer.from(wrapped);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => unwrapKey(mode, by, changed), failure);
    }
    for (let length = 0; length < wrapped.length; length++)
      assert.throws(() => unwrapKey(mode, by, wrapped.subarray(0, length)), failure, `${length} octets`);
    assert.throws(() => unwrapKey(mode, other, wrapped), failure);
  }
});

test('what a mode cannot wrap, and a wrapping key that is none, are refused', () => {
  using by = secret(kek);
  using short = Secret.take(randomBytes(20));
  for (const length of [0, 8, 20, 31]) assert.throws(() => wrapKey('NISTKeyWrap', by, Buffer.alloc(length)), failure);
  assert.throws(() => wrapKey('AESKeyWrapPadding', by, Buffer.alloc(0)), failure);
  assert.throws(() => wrapKey('NISTKeyWrap', short, Buffer.alloc(32)), failure);
});
