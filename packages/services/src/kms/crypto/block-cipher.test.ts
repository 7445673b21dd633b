import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type CipherInput, decrypt, encrypt } from './block-cipher.ts';

const octets = (hex: string) => Buffer.from(hex, 'hex');
const aes128 = () => Secret.take(octets('2b7e151628aed2a6abf7158809cf4f3c'));
const block = octets('6bc1bee22e409f96e93d7e117393172a');
const iv = octets('000102030405060708090a0b0c0d0e0f');
const refused = (reason: string) => (error: unknown) => error instanceof OperationError && error.reason === reason;

const vectors = [
  ['ECB', undefined, '3ad77bb40d7a3660a89ecaf32466ef97'],
  ['CBC', iv, '7649abac8119b246cee98e9b12e9197d'],
  ['CFB', iv, '3b3fd92eb72dad20333449f8e83cfb4a'],
  ['OFB', iv, '3b3fd92eb72dad20333449f8e83cfb4a'],
  ['CTR', octets('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'), '874d6191b620e3261bef6864990db6ce'],
] as const;

for (const [mode, start, expected] of vectors)
  test(`NIST SP 800-38A, appendix F: ${mode}`, () => {
    using key = aes128();
    const { data, ...made } = encrypt(key, { parameters: { mode }, data: block, iv: start });
    assert.equal(data.toString('hex'), expected);
    assert.deepEqual(made, {});
    assert.deepEqual(decrypt(key, { parameters: { mode }, data, iv: start }), block);
  });

test('the GCM specification, test case 2, and every change of tag, data, IV and additional data is noticed', () => {
  using key = Secret.take(new Uint8Array(16));
  const parameters = { mode: 'GCM', tagLength: 16 } as const;
  const input: CipherInput = { parameters, data: Buffer.alloc(16), iv: Buffer.alloc(12) };
  const { data, tag } = encrypt(key, input);
  assert.equal(data.toString('hex'), '0388dace60b6a392f328c2b971b2fe78');
  assert.equal(tag?.toString('hex'), 'ab6e47d42cec13bdf53a67b21257bddf');
  const good: CipherInput = { ...input, data, tag };
  assert.deepEqual(decrypt(key, good), Buffer.alloc(16));
  const flipped = (bytes: Uint8Array) => Uint8Array.from(bytes, (octet, i) => (i === 3 ? octet ^ 1 : octet));
  for (const bad of [
    { tag: flipped(tag!) },
    { data: flipped(data) },
    { iv: flipped(input.iv!) },
    { additional: Buffer.from('x') },
  ])
    assert.throws(() => decrypt(key, { ...good, ...bad }), refused('Cryptographic Failure'));
  const short = { ...good, tag: tag!.subarray(0, 12), parameters: { ...parameters, tagLength: 12 } };
  assert.deepEqual(decrypt(key, short), Buffer.alloc(16));
  assert.throws(() => decrypt(key, { ...good, tag: tag!.subarray(0, 12) }), refused('Invalid Field'));
  assert.throws(
    () => decrypt(key, { ...good, tag: tag!.subarray(0, 1), parameters: { mode: 'GCM' } }),
    refused('Invalid Field'),
  );
});

test('an IV is made only when Random IV says so, never twice, and is returned', () => {
  using key = aes128();
  for (const mode of ['CBC', 'CTR', 'GCM'] as const) {
    assert.throws(() => encrypt(key, { parameters: { mode }, data: block }), refused('Invalid Message'));
    const input: CipherInput = { parameters: { mode, randomIv: true }, data: block };
    const [one, two] = [encrypt(key, input), encrypt(key, input)];
    assert.notDeepEqual(one.iv, two.iv);
    assert.deepEqual(decrypt(key, { ...input, ...one }), block);
    assert.throws(() => decrypt(key, { ...input, ...one, iv: undefined }), refused('Invalid Message'));
  }
});

test('padding is PKCS #5 in block modes or none, and one text tells every failure', () => {
  using key = aes128();
  const parameters = { mode: 'CBC', padding: 'PKCS5' } as const;
  for (const length of [0, 1, 15, 16, 17]) {
    const plain = Buffer.alloc(length, 7);
    const { data } = encrypt(key, { parameters, data: plain, iv });
    assert.equal(data.length, (Math.floor(length / 16) + 1) * 16);
    assert.deepEqual(decrypt(key, { parameters, data, iv }), plain);
  }
  const messages = new Set<string>();
  for (const data of [Buffer.alloc(0), Buffer.alloc(15), Buffer.alloc(16), Buffer.alloc(32, 9)])
    assert.throws(
      () => decrypt(key, { parameters, data, iv }),
      (error) => refused('Cryptographic Failure')(error) && messages.add((error as Error).message) !== undefined,
    );
  assert.equal(messages.size, 1);
  assert.throws(
    () => encrypt(key, { parameters: { mode: 'CBC' }, data: Buffer.alloc(15), iv }),
    refused('Cryptographic Failure'),
  );
});

test('what a mode does not know is refused', () => {
  using key = aes128();
  const bad: Partial<CipherInput>[] = [
    { parameters: {} },
    { parameters: { mode: 'XTS' } },
    { parameters: { mode: '0x80000001' } },
    { parameters: { mode: 'ECB' }, iv },
    { parameters: { mode: 'CBC' }, iv: iv.subarray(1) },
    { parameters: { mode: 'CBC', padding: 'ISO 10126' }, iv },
    { parameters: { mode: 'CTR', padding: 'PKCS5' }, iv },
    { parameters: { mode: 'CBC' }, iv, additional: block },
    { parameters: { mode: 'GCM' }, iv: Buffer.alloc(4) },
  ];
  for (const each of bad)
    assert.throws(() => encrypt(key, { data: block, ...each } as CipherInput), refused('Invalid Field'));
  for (const tagLength of [0, 1, 4, 11, 17, 32, -1])
    assert.throws(
      () => encrypt(key, { data: block, parameters: { mode: 'GCM', tagLength }, iv }),
      refused('General Failure'),
    );
  using wrong = Secret.take(new Uint8Array(20));
  assert.throws(() => encrypt(wrong, { parameters: { mode: 'ECB' }, data: block }), refused('Cryptographic Failure'));
});
