import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Secret } from '@vouchsafe/bytes/secret';
import { openChallenge } from './attestation/challenge.ts';
import { readClaims } from './attestation/claims.ts';
import { extraData } from './attestation/extra-data.ts';
import { verifyToken } from './attestation/token.ts';
import { verifyChain } from './audit/record.ts';
import { groupOf } from './group/group.ts';
import { proofHash, verifyProof } from './keys/dpop.ts';
import { openKekObject, readKekHeader } from './keys/kek.ts';
import { openPart, readKeySafe, verifyKeySafe } from './keys/key-safe.ts';
import { readReleaseAnswer } from './keys/release.ts';
import { openSealedKey } from './keys/sealed-key.ts';
import { verifyAnswer } from './keys/signed-answer.ts';

/*
 * The frozen formats. Each text was written once, by the first version that had the format, with the fixed keys below,
 * and is never written anew: what these tests cannot read any more, the disks and hosts of users cannot either.
 */
const frozen = JSON.parse(readFileSync(join(import.meta.dirname, 'testdata/formats.json'), 'utf8'));
const group = groupOf(frozen.group_ca);
const primaryKey = createSecretKey(Buffer.alloc(32, 0x11));
const kek = Buffer.alloc(32, 0x22);
const challengeKey = createSecretKey(Buffer.alloc(32, 0x55));
const prv = '11111111-2222-4333-8444-555555555555';
const bytes = (secret: Secret) => secret.use((held) => held.slice());
const headerOf = (jose: string) => JSON.parse(Buffer.from(jose.split('.')[0] ?? '', 'base64url').toString());

test('frozen: the name of a group', () => {
  assert.equal(group.id, frozen.group);
  assert.equal(
    group.id,
    createHash('sha256')
      .update(group.ca.publicKey.export({ format: 'der', type: 'spki' }))
      .digest('base64url'),
  );
});

test('frozen: attestation token', async () => {
  assert.deepEqual(await verifyToken(frozen.token, group, frozen.time), frozen.claims);
  const { alg, typ, x5c, ...more } = headerOf(frozen.token);
  assert.deepEqual([alg, typ, x5c.length, more], ['ES256', 'vs-attestation+jwt', 1, {}]);
});

test('frozen: DPoP proof', async () => {
  const { url, body, nonce, text } = frozen.proof;
  await verifyProof(text, {
    jkt: frozen.claims.cnf.jkt,
    token: frozen.token,
    url,
    body,
    nonceIsFresh: (given) => Promise.resolve(given === nonce),
    enter: () => true,
  });
  const claims = JSON.parse(Buffer.from(text.split('.')[1], 'base64url').toString());
  assert.deepEqual(Object.keys(claims), ['jti', 'htm', 'htu', 'iat', 'ath', 'bh', 'nonce']);
});

test('frozen: signed answer, and the key sealed in it', async () => {
  const { text, content } = frozen.answer;
  const expected = { op: 'decrypt', aud: frozen.claims.sub, req: proofHash(frozen.proof.text) };
  const answer = await verifyAnswer(text, group, readReleaseAnswer, expected, frozen.time);
  assert.deepEqual(answer, content);
  const mine = createPrivateKey({ key: frozen.encryption_key, format: 'jwk' });
  const sealed = String(answer.items[0]?.key);
  assert.deepEqual((await openSealedKey(mine, sealed)).export(), kek);
  const { alg, enc, typ, kid } = headerOf(sealed);
  assert.deepEqual([alg, enc, typ, kid.length], ['ECDH-ES', 'A256GCM', 'vs-key+jwe', 43]);
});

test('frozen: KEK ciphertext', async () => {
  const header = {
    alg: 'A256KW',
    enc: 'A256GCM',
    typ: 'vs-kek+jwe',
    v: 1,
    prv,
    kid: 'primary-1',
    scp: 'cluster-a',
    iat: frozen.time,
  };
  assert.deepEqual(readKekHeader(frozen.kek_ciphertext), header);
  assert.deepEqual((await openKekObject(primaryKey, frozen.kek_ciphertext)).export(), kek);
});

test('frozen: key safe', async () => {
  const safe = readKeySafe(frozen.key_safe);
  const open = {
    n: 0,
    reference: { kind: 'trusted' as const, prv, ct: frozen.kek_ciphertext },
    key: createSecretKey(kek),
  };
  verifyKeySafe(frozen.key_safe, safe, open);
  const deks: Uint8Array[] = [];
  for (const part of safe.parts) deks.push(bytes(await openPart(safe, part, open)));
  assert.deepEqual(deks, [new Uint8Array(64).fill(0x33), new Uint8Array(64).fill(0x44)]);
  assert.deepEqual(Object.keys(safe), ['v', 'vm', 'gen', 'bound', 'keks', 'parts', 'mac']);
  assert.deepEqual(headerOf(safe.parts[0]?.key ?? ''), {
    alg: 'dir',
    enc: 'A256GCM',
    typ: 'vs-dek+jwe',
    vm: safe.vm,
    id: 'vda',
    luks: safe.parts[0]?.luks,
    prv,
    gen: 3,
  });
});

test('frozen: challenge', async () => {
  const fill = (value: number, length = 32) => new Uint8Array(length).fill(value);
  assert.deepEqual(openChallenge(challengeKey, frozen.challenge, frozen.time), {
    nonce: fill(1),
    secret: fill(2),
    ek: 'ab'.repeat(32),
    ekPublic: fill(3, 8),
    ak: fill(4, 8),
    bank: 'sha256',
    pcrs: [0, 7, 14],
    epoch: 5,
    exp: frozen.time + 60,
    jti: 'challenge-1',
  });
  assert.deepEqual(headerOf(frozen.challenge), { alg: 'dir', enc: 'A256GCM', typ: 'vs-challenge+jwe' });
});

test('frozen: extraData of a quote, and the claims under it', () => {
  const [nonce, secret] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const claims = Buffer.from(frozen.attestation_claims);
  assert.equal(Buffer.from(extraData(nonce, secret, claims)).toString('hex'), frozen.extra_data);
  const digest = createHash('sha256').update(claims).digest();
  const whole = Buffer.concat([Buffer.from('vouchsafe/attest/1\0', 'latin1'), nonce, secret, digest]);
  assert.equal(createHash('sha256').update(whole).digest('hex'), frozen.extra_data);
  assert.equal(readClaims(frozen.attestation_claims).group, frozen.group);
});

test('frozen: audit records', () => {
  assert.deepEqual(verifyChain(frozen.audit.lines), frozen.audit.head);
});
