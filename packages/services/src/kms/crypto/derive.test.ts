import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type Derivation, derive } from './derive.ts';

const octets = (hex: string) => Buffer.from(hex, 'hex');
const key = '00112233445566778899aabbccddeeff';
const data = octets('0102030405');
const sha256 = { hash: 'SHA-256' } as const;

/** The NIST SP 800-108 values were computed by `openssl kdf ... KBKDF` of OpenSSL 3.0 (use-l:0, use-separator:0). */
const vectors: [string, string, Derivation, string][] = [
  [
    'RFC 6070: PBKDF2',
    Buffer.from('password').toString('hex'),
    { method: 'PBKDF2', parameters: { hash: 'SHA-1' }, salt: Buffer.from('salt'), iterations: 4096 },
    '4b007901b765489abead49d926f721d065a429c1',
  ],
  [
    'RFC 4231, test case 2: HMAC',
    Buffer.from('Jefe').toString('hex'),
    { method: 'HMAC', parameters: sha256, data: Buffer.from('what do ya want for nothing?') },
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  ['a digest of the key', key, { method: 'HASH', parameters: sha256 }, 'a8faed6abbf35c12a4b26e40f6feb19d'],
  [
    'NIST SP 800-108, 5.1: counter mode',
    key,
    { method: 'NIST800 - 108 - C', parameters: sha256, data },
    '96be34b2cd40fe64d99a827d27a332f3f1a64c497896480e81dd8d6bebb3bb08ade11db09a138b3f104974a8db783809',
  ],
  [
    'NIST SP 800-108, 5.2: feedback mode',
    key,
    { method: 'NIST800 - 108 - F', parameters: sha256, data },
    '96be34b2cd40fe64d99a827d27a332f3f1a64c497896480e81dd8d6bebb3bb0899d112e39f56dd0fb99acb451429941a',
  ],
  [
    'NIST SP 800-38A, F.2.1: encryption',
    '2b7e151628aed2a6abf7158809cf4f3c',
    {
      method: 'ENCRYPT',
      parameters: { mode: 'CBC' },
      data: octets('6bc1bee22e409f96e93d7e117393172a'),
      iv: octets('000102030405060708090a0b0c0d0e0f'),
    },
    '7649abac8119b246cee98e9b12e9197d',
  ],
];

for (const [name, base, derivation, expected] of vectors)
  test(`${name} derives the known key`, async () => {
    using from = Secret.take(octets(base));
    using derived = await derive(from, derivation, expected.length / 2);
    assert.equal(
      derived.use((bytes) => Buffer.from(bytes).toString('hex')),
      expected,
    );
  });

test('a derivation that lacks something, asks too much or gives too little is refused', async () => {
  const bad: [Derivation, string][] = [
    [{ method: 'PBKDF2', parameters: sha256, iterations: 1 }, 'Invalid Field'],
    [{ method: 'PBKDF2', parameters: sha256, salt: data, iterations: 0 }, 'Invalid Field'],
    [{ method: 'PBKDF2', parameters: sha256, salt: data, iterations: 2 ** 31 - 1 }, 'Invalid Field'],
    [{ method: 'PBKDF2', parameters: { hash: 'MD5' }, salt: data, iterations: 1 }, 'Invalid Field'],
    [{ method: 'HASH', parameters: sha256, data }, 'Invalid Field'],
    [{ method: 'HASH', parameters: {} }, 'Invalid Field'],
    [{ method: 'HMAC', parameters: sha256 }, 'Invalid Field'],
    [{ method: 'Asymmetric Key', parameters: sha256 }, 'Invalid Field'],
    [{ method: 'HASH', parameters: { hash: 'SHA-1' } }, 'Cryptographic Failure'],
  ];
  using base = Secret.take(octets(key));
  for (const [derivation, reason] of bad)
    await assert.rejects(
      derive(base, derivation, 32),
      (error) => error instanceof OperationError && error.reason === reason,
      JSON.stringify(derivation),
    );
});

test('a long key does not multiply what a derivation may cost', async () => {
  using base = Secret.take(octets(key));
  const long: Derivation[] = [
    { method: 'PBKDF2', parameters: { hash: 'SHA-1' }, salt: data, iterations: 5_000_000 },
    { method: 'NIST800 - 108 - C', parameters: { hash: 'SHA-1' }, data: Buffer.alloc(1_000_000) },
    { method: 'NIST800 - 108 - F', parameters: { hash: 'SHA-1' }, data: Buffer.alloc(1_000_000) },
  ];
  for (const derivation of long) await assert.rejects(derive(base, derivation, 8192), /limit \d+$/, derivation.method);
});
