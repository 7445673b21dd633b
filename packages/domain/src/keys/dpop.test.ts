import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { firstRefusal } from '../rules.ts';
import { testTime } from '../testing/group.ts';
import { problem } from '../testing/problem.ts';
import {
  makeProof,
  nonceIsFresh,
  type ProofExpectation,
  type ProofInput,
  proofHash,
  proofRules,
  readProof,
  sealNonce,
  verifyProof,
} from './dpop.ts';
import { jwkOf, newPair, thumbprint } from './jwk.ts';

const pair = newPair();
const request = { token: 'a.b.c', url: 'https://ta.example/kms/decrypt', body: '{"items":[]}', nonce: 'fresh' };
const input: ProofInput = { ...pair, ...request, jti: '0123456789abcdef', now: testTime };

/** A server that gave out one nonce and remembers what it saw. */
function server(change: Partial<ProofExpectation> = {}): ProofExpectation {
  const seen = new Set<string>();
  return {
    ...request,
    jkt: thumbprint(jwkOf(pair.publicKey)),
    nonceIsFresh: (nonce) => Promise.resolve(nonce === 'fresh'),
    enter: (jti) => !seen.has(jti) && seen.add(jti).has(jti),
    ...change,
  };
}

test('RFC 9449, 4.3: a proof for this request is accepted, whatever the clock of the host says', async () => {
  await verifyProof(await makeProof(input), server());
  await verifyProof(await makeProof({ ...input, now: 0 }), server());
});

const stranger = newPair();
const attacks: [name: string, rule: string, kind: 'proof.invalid' | 'proof.nonce', change: Partial<ProofInput>][] = [
  ['made with the key of whoever stole the token', 'proof.key', 'proof.invalid', stranger],
  ['for another service', 'proof.url', 'proof.invalid', { url: 'https://other.example/kms/decrypt' }],
  ['for another operation', 'proof.url', 'proof.invalid', { url: 'https://ta.example/kms/rewrap' }],
  ['for an address that only looks alike', 'proof.url', 'proof.invalid', { url: 'https://TA.example/kms/decrypt' }],
  ['beside another token', 'proof.token', 'proof.invalid', { token: 'd.e.f' }],
  ['over another body', 'proof.body', 'proof.invalid', { body: '{"items":[1]}' }],
  ['with the nonce of another instance', 'proof.nonce', 'proof.nonce', { nonce: 'foreign' }],
];

for (const [name, rule, kind, change] of attacks) {
  test(`a proof ${name} is refused, and accepted when ${rule} is taken out`, async () => {
    const proof = await makeProof({ ...input, ...change });
    await assert.rejects(verifyProof(proof, server()), problem(kind));
    const presented = { ...(await readProof(proof)), expected: server() };
    assert.equal((await firstRefusal(proofRules, presented))?.rule, rule);
    const others = proofRules.filter(({ id }) => id !== rule);
    assert.equal(await firstRefusal(others, presented), undefined);
  });
}

test('a proof that is played again is refused, and accepted when proof.once is taken out', async () => {
  const expected = server();
  const proof = await makeProof(input);
  await verifyProof(proof, expected);
  await assert.rejects(verifyProof(proof, expected), problem('proof.invalid', /used already/));
  const others = proofRules.filter(({ id }) => id !== 'proof.once');
  assert.equal(await firstRefusal(others, { ...(await readProof(proof)), expected }), undefined);
});

test('a refused proof does not use up its number', async () => {
  const expected = server();
  const proof = await makeProof({ ...input, body: 'other' });
  await assert.rejects(verifyProof(proof, expected), problem('proof.invalid'));
  await verifyProof(await makeProof(input), expected);
});

test('of two proofs of one number that arrive together one is accepted', async () => {
  const expected = server();
  const proofs = await Promise.all([makeProof(input), makeProof(input)]);
  const outcomes = await Promise.allSettled(proofs.map((proof) => verifyProof(proof, expected)));
  assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

test('malformed proofs and foreign headers are refused', async () => {
  const good = await makeProof(input);
  const [header = '', payload = '', signature = ''] = good.split('.');
  const json = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>;
  const jwk = jwkOf(pair.publicKey);
  const with_ = (change: object) =>
    new SignJWT(JSON.parse(Buffer.from(payload, 'base64url').toString()))
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { ...jwk }, ...change })
      .sign(pair.privateKey);
  const claims = (change: object) =>
    new SignJWT({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), ...change })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { ...jwk } })
      .sign(pair.privateKey);
  const none = Buffer.from(JSON.stringify({ ...json, alg: 'none' })).toString('base64url');
  const forged = [
    '',
    'a.b.c',
    `${none}.${payload}.`,
    `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    `${header}.${payload}.${signature.slice(1)}`,
    await with_({ typ: 'JWT' }),
    await with_({ jwk: { ...jwk, d: 'AAAA' } }),
    await with_({ jwk: { ...jwk, y: jwk.x } }),
    await with_({ jwk: { kty: 'oct', k: 'AAAA' } }),
    await claims({ htm: 'GET' }),
    await claims({ more: 1 }),
    await claims({ jti: 'short' }),
    'x'.repeat(8193),
  ];
  for (const proof of forged) await assert.rejects(verifyProof(proof, server()), problem('proof.invalid'));
});

test('RFC 9449, 8: a nonce holds 60 s, for the instance that gave it', async () => {
  const [key, other] = [createSecretKey(randomBytes(32)), createSecretKey(randomBytes(32))];
  const nonce = await sealNonce(key, testTime);
  const at = (offset: number) => nonceIsFresh(key, nonce, testTime + offset);
  assert.deepEqual([await at(0), await at(60), await at(61), await at(-1)], [true, true, false, false]);
  assert.equal(await nonceIsFresh(other, nonce, testTime), false);
  for (const foreign of ['', 'none', nonce.slice(1), `${nonce}x`]) {
    assert.equal(await nonceIsFresh(key, foreign, testTime), false);
  }
});

test('the hash of a proof is base64url(SHA-256)', () => {
  // printf abc | openssl dgst -sha256 -binary | basenc --base64url
  assert.equal(proofHash('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
});
