import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { passphraseOf } from './passphrase.ts';

const uuid = '0a1b2c3d-4e5f-4061-8273-94a5b6c7d8e9';
const dek = () => Secret.take(Uint8Array.from({ length: 64 }, (_, i) => i));
const text = (purpose: 'luks' | 'vtpm', of = uuid, from = dek()) =>
  passphraseOf(from, of, purpose).use((bytes) => Buffer.from(bytes).toString('latin1'));

/** RFC 5869 by HMAC alone: one block of output is enough for 32 bytes. */
function hkdf(salt: string, info: string): string {
  const prk = createHmac('sha256', salt)
    .update(Buffer.from(Array.from({ length: 64 }, (_, i) => i)))
    .digest();
  return createHmac('sha256', prk).update(info).update(Buffer.of(1)).digest('base64url');
}

test('RFC 5869: the passphrase is base64url of HKDF-SHA-256 over the DEK, by two implementations', () => {
  assert.equal(text('luks'), hkdf(uuid, 'vouchsafe/luks/1'));
  assert.equal(text('vtpm'), hkdf(uuid, 'vouchsafe/vtpm/1'));
});

test('frozen: openssl gives the same passphrase', () => {
  // openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:000102..3f -kdfopt salt:UUID -kdfopt info:vouchsafe/luks/1
  //   -binary HKDF | basenc --base64url
  assert.equal(text('luks'), 'TZ5Lmh6qklZ6R7vgE15SmprO53XDbF9lsXuaW2ZpDZw');
  assert.equal(text('vtpm'), 'KgsBDVJRDd-GgUDYmpD79Uo-nwIrakLbWLV9vFLIK10');
});

test('a UUID counts in one spelling, and every other one gives another passphrase', () => {
  assert.equal(text('luks', uuid.toUpperCase()), text('luks'));
  assert.notEqual(text('luks', uuid.replace('0a', '0b')), text('luks'));
  assert.notEqual(text('vtpm'), text('luks'));
});

test('every value of every octet is spelt as base64url', () => {
  for (let i = 0; i < 64; i++) {
    const from = Secret.take(new Uint8Array(64).fill(i * 3));
    const spelt = text('luks', uuid, from);
    assert.equal(Buffer.from(spelt, 'base64url').toString('base64url'), spelt);
    assert.equal(spelt.length, 43);
  }
});
