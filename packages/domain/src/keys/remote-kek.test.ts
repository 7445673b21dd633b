import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { base64url } from '@vouchsafe/bytes/base64url';
import { mutations } from '@vouchsafe/bytes/hostile';
import { Secret } from '@vouchsafe/bytes/secret';
import { compactDecrypt } from 'jose';
import { problem } from '../testing/problem.ts';
import { openKek, readKekHeader, wrapKek } from './kek.ts';
import { type GcmCiphertext, openKekRemotely, type RemoteKey, wrapKekRemotely } from './remote-kek.ts';

const primary = createSecretKey(Buffer.alloc(32, 1));
const kek = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const maker = { prv: '11111111-2222-4333-8444-555555555555', kid: 'key-1', scp: 'cluster-a', iat: 1_790_000_000 };

/** A key server that does what it is asked. */
const server: RemoteKey = {
  async encrypt(plaintext) {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', primary, iv);
    const data = plaintext.use((bytes) => cipher.update(bytes));
    cipher.final();
    return { data, iv, tag: cipher.getAuthTag() };
  },
  async decrypt({ data, iv, tag }) {
    const decipher = createDecipheriv('aes-256-gcm', primary, iv).setAuthTag(tag);
    const plaintext = Secret.take(decipher.update(data));
    decipher.final();
    return plaintext;
  },
};
const lying = (change: Partial<GcmCiphertext>): RemoteKey => ({
  ...server,
  encrypt: async (plaintext) => ({ ...(await server.encrypt(plaintext)), ...change }),
});
const open = (ct: string, remote = server) => openKekRemotely(remote, ct, (bytes) => Buffer.from(bytes));

test('a KEK comes back, and the header says who made it', async () => {
  const ct = await wrapKekRemotely(server, maker, kek);
  const { iv, tag, ...header } = readKekHeader(ct);
  assert.deepEqual(header, { alg: 'A256GCMKW', enc: 'A256GCM', typ: 'vs-kek+jwe', v: 1, ...maker });
  assert.ok(iv !== undefined && tag !== undefined);
  assert.deepEqual(await open(ct), kek);
  assert.notEqual(ct, await wrapKekRemotely(server, maker, kek), 'content key and IVs are used once');
});

test('RFC 7518, 4.7: jose alone, told nothing of our names, reads it with the primary key', async () => {
  const { plaintext } = await compactDecrypt(await wrapKekRemotely(server, maker, kek), primary.export());
  assert.deepEqual(Buffer.from(plaintext), kek);
});

test('which way a KEK was wrapped is not for the ciphertext to choose', async () => {
  await assert.rejects(open(await wrapKek(primary, maker, kek)), problem('release.refused'));
  const remote = await wrapKekRemotely(server, maker, kek);
  await assert.rejects(
    openKek(primary, remote, () => undefined),
    problem('release.refused'),
  );
});

test('no part and no member of the header can be exchanged', async () => {
  const ct = await wrapKekRemotely(server, maker, kek);
  const [head = '', ...parts] = ct.split('.');
  const header = readKekHeader(ct);
  const other = (await wrapKekRemotely(server, { ...maker, scp: 'cluster-b' }, Buffer.alloc(32, 9))).split('.');
  const heads = [
    { prv: '99999999-2222-4333-8444-555555555555' },
    { kid: 'key-2' },
    { scp: 'cluster-b' },
    { iat: maker.iat + 1 },
    { alg: 'A256KW' },
    { iv: undefined },
    { tag: undefined },
  ].map((change) => [base64url(Buffer.from(JSON.stringify({ ...header, ...change }))), ...parts].join('.'));
  const swapped = parts.map((_, i) => [head, ...parts.map((part, j) => (i === j ? other[j + 1] : part))].join('.'));
  for (const each of [...heads, ...swapped, [other[0], ...parts].join('.'), `${ct}.`, parts.join('.')])
    await assert.rejects(open(each));
  const opened: string[] = [];
  const tries: Promise<void>[] = [];
  mutations([new Uint8Array(Buffer.from(ct))], 7, 200, (mutant) => {
    const text = Buffer.from(mutant).toString('latin1');
    if (text === ct) return;
    tries.push(
      open(text).then(
        () => void opened.push(text),
        () => undefined,
      ),
    );
  });
  await Promise.all(tries);
  assert.deepEqual(opened, []);
});

test('a key server that answers with another length, or opens to something else, is refused', async () => {
  for (const change of [
    { data: new Uint8Array(31) },
    { iv: new Uint8Array(16) },
    { tag: new Uint8Array(12) },
    { tag: new Uint8Array() },
  ])
    await assert.rejects(wrapKekRemotely(lying(change), maker, kek), problem('release.refused'));
  const ct = await wrapKekRemotely(server, maker, kek);
  const wrong = { ...server, decrypt: async () => Secret.take(new Uint8Array(32)) };
  await assert.rejects(open(ct, wrong), problem('release.refused'));
  const short = { ...server, decrypt: async () => Secret.take(new Uint8Array(16)) };
  await assert.rejects(open(ct, short), problem('release.refused'));
});

test('the raw key is lent and then wiped', async () => {
  const ct = await wrapKekRemotely(server, maker, kek);
  const lent: Uint8Array[] = [];
  const failing = openKekRemotely(server, ct, (bytes) => {
    lent.push(bytes);
    throw new TypeError('no');
  });
  await assert.rejects(failing, /no/);
  await openKekRemotely(server, ct, (bytes) => void lent.push(bytes));
  assert.deepEqual(
    lent.map((bytes) => Buffer.from(bytes)),
    [Buffer.alloc(32), Buffer.alloc(32)],
  );
});
