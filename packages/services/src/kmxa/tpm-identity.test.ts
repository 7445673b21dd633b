import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '@vouchsafe/bytes/hex';
import { make } from '@vouchsafe/domain/testing/certificates';
import { issuersIn } from './tpm-identity.ts';

const chain = ['root', 'middle', 'issuer'].map((subject) => make({ subject }).der);
const whole = concat(...chain);
const texts = (found: readonly Uint8Array[]) => found.map((each) => Buffer.from(each).toString('base64'));
const expected = texts(chain);

test('a chain that runs on from one index of NV into the next is put together', () => {
  assert.deepEqual(texts(issuersIn([whole.subarray(0, 300), whole.subarray(300, 700), whole.subarray(700)])), expected);
});

test('certificates that begin anew with each index and pad it are found too, each once', () => {
  const padded = chain.map((der) => concat(der, new Uint8Array(40)));
  assert.deepEqual(texts(issuersIn(padded)), expected);
  assert.deepEqual(texts(issuersIn([whole])), expected);
});

test('what is no certificate ends the search, and the number is limited', () => {
  assert.deepEqual(issuersIn([]), []);
  assert.deepEqual(issuersIn([Uint8Array.of(0xff, 0xff)]), []);
  assert.deepEqual(issuersIn([Uint8Array.of(0x30, 0x82, 0xff)]), []);
  assert.deepEqual(issuersIn([Uint8Array.of(0x30, 0x83, 0xff, 0xff, 0xff)]), []);
  const many = Array.from({ length: 20 }, (_, i) => make({ subject: `ca ${i}` }).der);
  assert.equal(issuersIn(many).length, 16);
});
