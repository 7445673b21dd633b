import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { mutations } from '@vouchsafe/bytes/hostile';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { problem } from '../testing/problem.ts';
import { maxKekCiphertext, openKek, openKekObject, readKekHeader, wrapKek } from './kek.ts';

const primaryKey = createSecretKey(Buffer.alloc(32, 1));
const kek = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const maker = { prv: '11111111-2222-4333-8444-555555555555', kid: 'key-1', scp: 'cluster-a', iat: 1_790_000_000 };

test('a KEK comes back, and the header says who made it', async () => {
  const ct = await wrapKek(primaryKey, maker, kek);
  assert.deepEqual(readKekHeader(ct), { alg: 'A256KW', enc: 'A256GCM', typ: 'vs-kek+jwe', v: 1, ...maker });
  assert.deepEqual((await openKekObject(primaryKey, ct)).export(), kek);
});

test('RFC 7516 and 7518: another implementation, by RFC 3394 and AES-GCM alone, reads a KEK ciphertext', async () => {
  const [header = '', encryptedKey = '', iv = '', text = '', tag = ''] = (await wrapKek(primaryKey, maker, kek)).split(
    '.',
  );
  const bytes = (part: string) => Buffer.from(part, 'base64url');
  const cek = unwrapRfc3394(primaryKey.export(), bytes(encryptedKey));
  const gcm = createDecipheriv('aes-256-gcm', cek, bytes(iv)).setAAD(Buffer.from(header, 'ascii'));
  gcm.setAuthTag(bytes(tag));
  assert.deepEqual(Buffer.concat([gcm.update(bytes(text)), gcm.final()]), kek);
});

test('jose alone, told nothing of our names, reads a KEK ciphertext', async () => {
  const { plaintext } = await compactDecrypt(await wrapKek(primaryKey, maker, kek), primaryKey.export());
  assert.deepEqual(Buffer.from(plaintext), kek);
});

test('the raw key is lent and then wiped', async () => {
  const ct = await wrapKek(primaryKey, maker, kek);
  const lent: Uint8Array[] = [];
  const last = await openKek(primaryKey, ct, (bytes) => {
    lent.push(bytes);
    return bytes[31];
  });
  assert.equal(last, 31);
  const failing = openKek(primaryKey, ct, (bytes) => {
    lent.push(bytes);
    throw new TypeError('no');
  });
  await assert.rejects(failing, /no/);
  assert.deepEqual(lent, [new Uint8Array(32), new Uint8Array(32)], 'also when its use fails');
});

test('no member of the header can be exchanged', async () => {
  const ct = await wrapKek(primaryKey, maker, kek);
  const header = readKekHeader(ct);
  const changes = {
    prv: '99999999-2222-4333-8444-555555555555',
    kid: 'key-2',
    scp: 'cluster-b',
    iat: maker.iat + 1,
    v: 2,
    typ: 'vs-dek+jwe',
    alg: 'dir',
    enc: 'A128GCM',
    zip: 'DEF',
    crit: ['prv'],
  };
  for (const [name, value] of Object.entries(changes)) {
    const changed = withHeader(ct, { ...header, [name]: value });
    await assert.rejects(openKekObject(primaryKey, changed), problem('release.refused'), name);
    if (!(name in maker)) assert.throws(() => readKekHeader(changed), problem('release.refused'), name);
  }
});

test('another primary key, or another length of key, opens nothing', async () => {
  const ct = await wrapKek(primaryKey, maker, kek);
  await assert.rejects(openKekObject(createSecretKey(Buffer.alloc(32, 2)), ct), problem('release.refused'));
  for (const length of [0, 16, 31, 33, 64]) {
    const other = await wrapKek(primaryKey, maker, new Uint8Array(length));
    await assert.rejects(openKekObject(primaryKey, other), problem('release.refused'), String(length));
  }
});

test('a ciphertext by another algorithm of JOSE is refused although the key fits', async () => {
  for (const alg of ['dir', 'A256GCMKW']) {
    const header = { alg, enc: 'A256GCM', typ: 'vs-kek+jwe', v: 1, ...maker };
    const ct = await new CompactEncrypt(kek).setProtectedHeader(header).encrypt(primaryKey);
    await assert.rejects(openKekObject(primaryKey, ct), problem('release.refused'), alg);
  }
});

test('whatever is not a ciphertext is refused by one problem, and nothing else happens', async () => {
  const ct = await wrapKek(primaryKey, maker, kek);
  const long = `${ct}${'A'.repeat(maxKekCiphertext)}`;
  for (const text of ['', '.', '....', 'a.b.c.d.e', ct.replaceAll('.', ' '), long]) {
    assert.throws(() => readKekHeader(text), problem('release.refused'), text.slice(0, 40));
    await assert.rejects(openKekObject(primaryKey, text), problem('release.refused'), text.slice(0, 40));
  }
  for (const text of [ct.slice(0, -1), `${ct}.`, `${ct}A`, ct.split('.').slice(0, 4).join('.')]) {
    await assert.rejects(openKekObject(primaryKey, text), problem('release.refused'), text);
  }
  const opened: Promise<unknown>[] = [];
  mutations([Buffer.from(ct)], 4, 300, (bytes) => {
    const text = Buffer.from(bytes).toString('latin1');
    if (text === ct) return;
    opened.push(assert.rejects(openKekObject(primaryKey, text), problem('release.refused'), text));
  });
  await Promise.all(opened);
});

const withHeader = (ct: string, header: object) =>
  [Buffer.from(JSON.stringify(header)).toString('base64url'), ...ct.split('.').slice(1)].join('.');

/** RFC 3394, 2.2.2: key unwrap, index based, over single blocks of AES. */
function unwrapRfc3394(key: Uint8Array, wrapped: Uint8Array): Uint8Array {
  const blocks = wrapped.length / 8 - 1;
  let a = Buffer.from(wrapped.subarray(0, 8));
  const r = Array.from({ length: blocks }, (_, i) => Buffer.from(wrapped.subarray(8 * (i + 1), 8 * (i + 2))));
  for (let t = 6 * blocks; t >= 1; t--) {
    const i = (t - 1) % blocks;
    const counter = Buffer.alloc(8);
    counter.writeUInt32BE(t, 4);
    const aes = createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    const b = aes.update(Buffer.concat([a.map((byte, at) => byte ^ counter[at]!), r[i]!]));
    a = b.subarray(0, 8);
    r[i] = b.subarray(8);
  }
  assert.deepEqual(a, Buffer.alloc(8, 0xa6), 'RFC 3394, 2.2.3.1: the initial value');
  return Buffer.concat(r);
}

test('RFC 3394, 4.6: the unwrap of this test gives the vector of the standard', () => {
  const key = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
  const wrapped = Buffer.from(
    '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
    'hex',
  );
  const data = Buffer.from('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f', 'hex');
  assert.deepEqual(unwrapRfc3394(key, wrapped), data);
  const openssl = createCipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6));
  assert.deepEqual(Buffer.concat([openssl.update(data), openssl.final()]), wrapped);
});
