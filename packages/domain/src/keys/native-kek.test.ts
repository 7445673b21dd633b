import assert from 'node:assert/strict';
import { createHmac, createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { compactDecrypt } from 'jose';
import { problem } from '../testing/problem.ts';
import { readKekHeader } from './kek.ts';
import { openNativeKek, wrapNativeKek, wrappingKeyOf } from './native-kek.ts';

const prv = '11111111-2222-4333-8444-555555555555';
const kdk = { id: 'aaaaaaaa-2222-4333-8444-555555555555', key: createSecretKey(Buffer.alloc(32, 1)) };
const next = { id: 'bbbbbbbb-2222-4333-8444-555555555555', key: createSecretKey(Buffer.alloc(32, 2)) };
const kek = Buffer.alloc(32, 9);

test('the wrapping key is that of RFC 5869, written out by hand', () => {
  const prk = createHmac('sha256', kdk.id).update(Buffer.alloc(32, 1)).digest();
  const okm = createHmac('sha256', prk).update('vouchsafe/native-kek/1\u0001').digest();
  assert.deepEqual(wrappingKeyOf(kdk).export(), okm);
  const sameKey = { id: next.id, key: kdk.key };
  assert.ok(!wrappingKeyOf(sameKey).equals(wrappingKeyOf(kdk)), 'the id is part of it');
});

test('any JOSE library opens the ciphertext with the wrapping key', async () => {
  const ciphertext = await wrapNativeKek(prv, kdk, 1_790_000_000, kek);
  const { plaintext } = await compactDecrypt(ciphertext, wrappingKeyOf(kdk));
  assert.deepEqual(Buffer.from(plaintext), kek);
  const header = {
    alg: 'A256KW',
    enc: 'A256GCM',
    typ: 'vs-kek+jwe',
    v: 1,
    prv,
    kid: kdk.id,
    scp: '',
    iat: 1_790_000_000,
  };
  assert.deepEqual(readKekHeader(ciphertext), header);
});

test('it opens with the derivation key of its id, of its own provider, and with no other', async () => {
  const ciphertext = await wrapNativeKek(prv, kdk, 0, kek);
  const keys = [next, kdk];
  const open = (of = prv, text = ciphertext, among = keys) =>
    openNativeKek(of, text, (id) => among.find((each) => each.id === id));
  assert.deepEqual((await open()).export(), kek);
  await assert.rejects(open(prv, ciphertext, [next]), problem('key.not-here', new RegExp(kdk.id)));
  await assert.rejects(open(kdk.id), problem('release.refused', /one of provider 1111/));
  const swapped = [{ id: kdk.id, key: next.key }];
  await assert.rejects(open(prv, ciphertext, swapped), problem('release.refused', /does not open/));
  const [header = '', ...rest] = ciphertext.split('.');
  const other = { ...JSON.parse(Buffer.from(header, 'base64url').toString()), prv: next.id };
  const moved = [Buffer.from(JSON.stringify(other)).toString('base64url'), ...rest].join('.');
  await assert.rejects(open(next.id, moved), problem('release.refused', /does not open/));
});
