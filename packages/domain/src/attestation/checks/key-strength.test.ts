import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { akTemplates } from '@vouchsafe/tpm2/ak-template';
import { ekTemplates } from '@vouchsafe/tpm2/ek-template';
import { encodePublic, type TpmtPublic } from '@vouchsafe/tpm2/public';
import { rocaModulus } from '../../testing/roca-modulus.ts';
import { Appraisal, type AppraisalInput } from '../appraisal.ts';
import { keyStrength } from './key-strength.ts';

const modulus = fromBase64url(
  String(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }).n),
);
const { x, y } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const point = { x: fromBase64url(String(x)), y: fromBase64url(String(y)) };

const rsaEk = (unique: Uint8Array) => encodePublic({ ...ekTemplates['L-1'].area, unique } as TpmtPublic);
const eccAk = (unique: typeof point) => encodePublic({ ...akTemplates.ecc, unique } as TpmtPublic);

const check = (ekPublic: Uint8Array, ak: Uint8Array) =>
  keyStrength
    .run(new Appraisal({ challenge: { ekPublic, ak } } as unknown as AppraisalInput))
    .map((finding) => `${finding.severity} ${finding.check}`);

test('keys that nobody can compute pass', () => {
  assert.deepEqual(check(rsaEk(modulus), eccAk(point)), []);
});

test('an even modulus, one that is too short, and a point off its curve are refused, and whose key it is', () => {
  const even = modulus.slice();
  even[255]! &= 0xfe;
  assert.deepEqual(check(rsaEk(even), eccAk(point)), ['fail ek.weak']);
  assert.deepEqual(check(rsaEk(modulus.subarray(1)), eccAk(point)), ['fail ek.weak']);
  const off = { ...point, y: point.y.map((octet, i) => (i === 31 ? octet ^ 1 : octet)) };
  assert.deepEqual(check(rsaEk(modulus), eccAk(off)), ['fail ak.weak']);
});

test('a key of the broken generator is refused', () => {
  assert.deepEqual(check(rsaEk(rocaModulus()), eccAk(point)), ['fail ek.roca']);
  const ak = encodePublic({ ...akTemplates.rsa, unique: rocaModulus() } as TpmtPublic);
  assert.deepEqual(check(rsaEk(modulus), ak), ['fail ak.roca']);
});
