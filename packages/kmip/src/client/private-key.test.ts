import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import test from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { base64, pemOctets } from './private-key.ts';

test('base64 of every length is what Node makes of it', () => {
  for (let length = 0; length < 100; length++) {
    const octets = randomBytes(length);
    assert.equal(base64(octets).toString(), octets.toString('base64'));
    const lines = octets.toString('base64').match(/.{1,64}/g) ?? [];
    assert.equal(base64(octets, 64).toString(), lines.map((line) => `${line}\n`).join(''));
  }
});

test('a key becomes PEM octets that are the same key; a Secret stays its caller’s', () => {
  for (const { privateKey } of [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ]) {
    using pem = pemOctets(privateKey);
    assert.ok(createPrivateKey(pem.use((octets) => Buffer.from(octets))).equals(privateKey));
    using again = pemOctets(pem);
    assert.ok(again.equals(pem));
  }
  using own = Secret.take(Buffer.from('x'));
  pemOctets(own)[Symbol.dispose]();
  assert.equal(own.length, 1);
});
