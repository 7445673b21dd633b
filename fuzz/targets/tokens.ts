import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { type Challenge, openChallenge, sealChallenge } from '@vouchsafe/domain/attestation/challenge';
import { readClaims } from '@vouchsafe/domain/attestation/claims';
import { signToken, type TokenClaims, verifyToken } from '@vouchsafe/domain/attestation/token';
import type { Group } from '@vouchsafe/domain/group/group';
import { makeProof, nonceIsFresh, sealNonce, verifyProof } from '@vouchsafe/domain/keys/dpop';
import { jwkOf, keyOf, thumbprint } from '@vouchsafe/domain/keys/jwk';
import { openKekObject, readKekHeader, wrapKek } from '@vouchsafe/domain/keys/kek';
import { checkItems, readProvidersAnswer, readReleaseAnswer } from '@vouchsafe/domain/keys/release';
import { openSealedKey, sealKeyTo } from '@vouchsafe/domain/keys/sealed-key';
import { signAnswer, verifyAnswer } from '@vouchsafe/domain/keys/signed-answer';
import { sampleClaims } from '@vouchsafe/domain/testing/group';
import { CompactEncrypt, CompactSign } from 'jose';
import { problemsOf } from '../problems.ts';
import { fixedPair, now, site } from '../site.ts';
import { bytesOf, json, jsonWords, type MakeTargets, type Target, text, wordsOf } from '../target.ts';

const holder = fixedPair(7);
const key = createSecretKey(Buffer.alloc(32, 7));
const rel = jwkOf(holder.publicKey);
export const prv = '00000000-0000-4000-8000-000000000001';
const words = [
  ...jsonWords,
  ...wordsOf('.', 'eyJ', '==', 'ES256', 'none', '"alg":"dir",', '"crit":["b64"],', '"zip":"DEF",'),
];

export const claims = (group: Group): TokenClaims =>
  sampleClaims(
    group,
    { signing: holder, encryption: holder },
    { iat: now, exp: now + 600, jti: 'token', scope: 'default' },
  );

const sha256 = (of: string): string => createHash('sha256').update(of).digest('base64url');

const challenge: Challenge = {
  nonce: new Uint8Array(32).fill(1),
  secret: new Uint8Array(32).fill(2),
  ek: 'ab'.repeat(32),
  ekPublic: new Uint8Array(90),
  ak: new Uint8Array(90),
  bank: 'sha256',
  pcrs: [0, 7],
  epoch: 0,
  exp: now + 60,
  jti: 'challenge',
};

/** A text as content of a JWE under the key that is shared by nobody else: what a bug in the sealer could make. */
const sealedUnder = (to: KeyObject, header: { alg: string; enc: string; typ: string }, bytes: Uint8Array) =>
  new CompactEncrypt(bytes).setProtectedHeader(header).encrypt(to);

/** Text of the two forms of each thing: as it is on the wire, and its content, signed or sealed anew by the right key. */
export const make: MakeTargets = async () => {
  const { group, attestd, kmxd } = await site();
  const proven = { jkt: thumbprint(rel), token: 'token', url: 'https://kmxd/decrypt', body: '{}' };
  const nonce = await sealNonce(key, now);
  const proof = { ...holder, token: 'token', url: proven.url, body: '{}', nonce, jti: 'x'.repeat(16), now };
  const kek = await wrapKek(key, { prv, kid: 'one', scp: 'default', iat: now }, new Uint8Array(32));
  const item = { prv, ct: kek, key: await sealKeyTo(rel, new Uint8Array(32)), uses: ['run' as const] };
  const frame = { aud: 'ek:1', req: 'r'.repeat(43), iat: now };
  const answer = { op: 'decrypt', items: [item], ...frame };
  const providers = { op: 'list-providers', providers: [{ prv, name: 'demo', uses: ['run'] }], ...frame };
  const signed = (content: Uint8Array, typ: string, { key: by, certificate }: typeof attestd) =>
    new CompactSign(content)
      .setProtectedHeader({ alg: 'ES256', typ, x5c: [certificate.raw.toString('base64')] })
      .sign(by);
  const checkAnswer = async (
    jws: string,
    read: (text: string) => typeof readReleaseAnswer extends (t: string) => infer A ? A : never,
  ) => {
    const found = await verifyAnswer(jws, group, read, { op: 'decrypt', aud: frame.aud, req: frame.req }, now);
    checkItems(found, [{ prv, ct: kek }]);
    for (const { key: sealed } of found.items) if (sealed !== undefined) await openSealedKey(holder.privateKey, sealed);
  };
  const target = (name: string, samples: readonly Uint8Array[], run: Target['run'], refuses: Target['refuses']) => ({
    name,
    samples,
    words,
    run,
    refuses,
  });
  const invalidToken = problemsOf('token.invalid');
  const invalidProof = problemsOf('proof.invalid', 'proof.nonce');
  const badAnswer = problemsOf('service.untrusted');
  const checkProof = (text: string) =>
    verifyProof(text, { ...proven, nonceIsFresh: (each) => nonceIsFresh(key, each, now), enter: () => true });
  return [
    target(
      'token',
      [bytesOf(await signToken(attestd.key, attestd.certificate, claims(group)))],
      (bytes) => verifyToken(text(bytes), group, now),
      invalidToken,
    ),
    target(
      'token-claims',
      [json(claims(group))],
      async (bytes) => verifyToken(await signed(bytes, 'vs-attestation+jwt', attestd), group, now),
      invalidToken,
    ),
    target('proof', [bytesOf(await makeProof(proof))], (bytes) => checkProof(text(bytes)), invalidProof),
    target(
      'proof-claims',
      [
        json({
          jti: proof.jti,
          htm: 'POST',
          htu: proven.url,
          iat: now,
          ath: sha256('token'),
          bh: sha256('{}'),
          nonce,
        }),
      ],
      async (bytes) => {
        const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: { ...rel } };
        await checkProof(await new CompactSign(bytes).setProtectedHeader(header).sign(holder.privateKey));
      },
      invalidProof,
    ),
    target(
      'challenge',
      [bytesOf(sealChallenge(key, challenge))],
      (bytes) => openChallenge(key, text(bytes), now),
      problemsOf('challenge.elsewhere'),
    ),
    target(
      'challenge-content',
      [
        json({
          nonce: 'A'.repeat(43),
          secret: 'A'.repeat(43),
          ek: challenge.ek,
          ek_public: 'AAAA',
          ak: 'AAAA',
          bank: 'sha256',
          pcrs: [0],
          epoch: 0,
          exp: now,
          jti: '1',
        }),
      ],
      async (bytes) =>
        openChallenge(key, await sealedUnder(key, { alg: 'dir', enc: 'A256GCM', typ: 'vs-challenge+jwe' }, bytes), now),
      problemsOf('input.malformed', 'input.invalid', 'challenge.expired'),
    ),
    target(
      'answer',
      [bytesOf(await signAnswer(kmxd.key, kmxd.certificate, answer))],
      (bytes) => checkAnswer(text(bytes), readReleaseAnswer),
      badAnswer,
    ),
    target(
      'answer-content',
      [json(answer)],
      async (bytes) => checkAnswer(await signed(bytes, 'vs-answer+jws', kmxd), readReleaseAnswer),
      badAnswer,
    ),
    target(
      'providers-answer',
      [json(providers)],
      (bytes) => readProvidersAnswer(text(bytes)),
      problemsOf('input.malformed', 'input.invalid'),
    ),
    target(
      'kek',
      [bytesOf(kek)],
      async (bytes) => {
        readKekHeader(text(bytes));
        await openKekObject(key, text(bytes));
      },
      problemsOf('release.refused'),
    ),
    target('sealed-key', [bytesOf(item.key)], (bytes) => openSealedKey(holder.privateKey, text(bytes)), badAnswer),
    target(
      'claims',
      [json({ sig: rel, enc: rel, group: group.id, agent: 'a' })],
      (bytes) => {
        const { sig, enc } = readClaims(text(bytes));
        for (const each of [sig, enc]) keyOf(each, 'claims');
      },
      problemsOf('input.malformed', 'input.invalid'),
    ),
  ];
};
