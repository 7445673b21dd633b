import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { rocaModulus } from '../testing/roca-modulus.ts';
import { hasRocaFingerprint } from './roca.ts';

test('a modulus of the broken generator is known by its fingerprint', () => {
  assert.equal(hasRocaFingerprint(rocaModulus()), true);
});

test('moduli of other generators are not', () => {
  for (let i = 0; i < 20; i++) {
    const { n = '' } = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    assert.equal(hasRocaFingerprint(fromBase64url(n)), false);
  }
});

test('what is no modulus has no fingerprint', () => {
  for (const bytes of [[], [0], [0, 0], [2]]) assert.equal(hasRocaFingerprint(Uint8Array.from(bytes)), false);
});
