import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { problem } from '../testing/problem.ts';
import { type Challenge, openChallenge, sealChallenge } from './challenge.ts';

const bytes = (fill: number, length = 32) => new Uint8Array(length).fill(fill);
const [key, other] = [createSecretKey(bytes(1)), createSecretKey(bytes(2))];
const challenge: Challenge = {
  nonce: bytes(3),
  secret: bytes(4),
  ek: 'ab'.repeat(32),
  ekPublic: bytes(5, 122),
  ak: bytes(6, 88),
  bank: 'sha256',
  pcrs: [0, 7],
  banks: ['sha1'],
  body: 1000,
  epoch: 3,
  exp: 1_000,
  jti: 'one',
};

test('a challenge comes back as it was sealed, until its time is over', () => {
  const sealed = sealChallenge(key, challenge);
  assert.deepEqual(openChallenge(key, sealed, 1_000), challenge);
  assert.throws(() => openChallenge(key, sealed, 1_001), problem('challenge.expired', /1 s ago/));
  assert.throws(() => openChallenge(other, sealed, 1_000), problem('challenge.elsewhere'));
});

test('it is a JWE as any library reads and writes it', async () => {
  const sealed = sealChallenge(key, challenge);
  const { plaintext, protectedHeader } = await compactDecrypt(sealed, key);
  assert.deepEqual(protectedHeader, { alg: 'dir', enc: 'A256GCM', typ: 'vs-challenge+jwe' });
  const again = await new CompactEncrypt(plaintext).setProtectedHeader(protectedHeader as never).encrypt(key);
  assert.deepEqual(openChallenge(key, again, 1), challenge);
});

test('no two are sealed alike', () => {
  const sealed = Array.from({ length: 1000 }, () => sealChallenge(key, challenge).split('.')[2]);
  assert.equal(new Set(sealed).size, 1000);
});

test('another header, a changed, cut or lengthened one is none of ours', async () => {
  const sealed = sealChallenge(key, challenge);
  const parts = sealed.split('.');
  const swapped = (i: number, part: string) => parts.with(i, part).join('.');
  const encrypt = (header: object) =>
    new CompactEncrypt(Buffer.from('{}')).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ...header }).encrypt(key);
  const bad = [
    '',
    '....',
    sealed.slice(0, -1),
    `${sealed}A`,
    `${sealed}.`,
    swapped(0, ''),
    swapped(1, 'AA'),
    swapped(2, ''),
    swapped(2, `${parts[2]}AAAA`),
    swapped(3, ''),
    swapped(4, ''),
    swapped(4, String(parts[4]).slice(0, 8)),
    swapped(3, '*'),
    await encrypt({ typ: 'vs-kek+jwe' }),
    await encrypt({}),
  ];
  for (const each of bad) assert.throws(() => openChallenge(key, each, 1), problem('challenge.elsewhere'), each);
  for (let i = 0; i < sealed.length; i++) {
    const flipped = sealed.slice(0, i) + (sealed[i] === 'A' ? 'B' : 'A') + sealed.slice(i + 1);
    assert.throws(() => openChallenge(key, flipped, 1), problem('challenge.elsewhere'), `character ${i}`);
  }
});
