import { X509Certificate } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import { readGroupChange } from '@vouchsafe/domain/group/group-state';
import { readInvite } from '@vouchsafe/domain/group/invite';
import { joinMacHolds, joinMessage, joinRequest, readJoinMessage, readJoinRequest } from '@vouchsafe/domain/group/join';
import { memberIdOf, readMember, signMember } from '@vouchsafe/domain/group/member';
import {
  signMemberAnswer,
  signRequest,
  verifyMemberAnswer,
  verifyRequest,
} from '@vouchsafe/domain/group/member-request';
import { roles } from '@vouchsafe/domain/group/role';
import { openSecret, sealSecret } from '@vouchsafe/domain/group/sealed-secret';
import { jwkOf, keyOf } from '@vouchsafe/domain/keys/jwk';
import { parseJson } from '@vouchsafe/domain/parse';
import { issue } from '@vouchsafe/domain/x509/authority';
import { CompactEncrypt, CompactSign, compactDecrypt } from 'jose';
import { problemsOf } from '../problems.ts';
import { fixedPair, now, site, validity } from '../site.ts';
import { bytesOf, json, jsonWords, type MakeTargets, type Target, text, wordsOf } from '../target.ts';

const words = [...jsonWords, ...wordsOf('.', '..', '\n', 'eyJ', '"ek:', '"b64":false,', '"crit":["b64"],')];
const own = { sig: fixedPair(11), enc: fixedPair(12) };
const me = { ...fixedPair(13) };

/** What a Trust Authority host reads from other members, from hosts that want to become one, and from its own parts. */
export const make: MakeTargets = async () => {
  const { authority, group } = await site();
  const certified = async (publicKey: typeof own.sig.publicKey) => {
    const order = {
      authority,
      publicKey,
      subject: 'member.ta1',
      sans: { uri: [roles.member] },
      serial: '05',
      ...validity,
    };
    return new X509Certificate(await issue({ ...order, usages: ['sign'] }));
  };
  const certificate = await certified(own.sig.publicKey);
  const signer = { id: memberIdOf(certificate), key: own.sig.privateKey, certificate };
  const id = memberIdOf(await certified(me.publicKey));
  const about = { v: 1, group: group.id, name: 'ta1', by: signer.id } as const;
  const sig = jwkOf(own.sig.publicKey);
  const entry = { ...about, id: signer.id, url: 'https://ta1', sig, enc: jwkOf(own.enc.publicKey), added: now, gen: 1 };
  const call = { method: 'GET', path: '/member/status', body: '' };
  const against = { call, group, me: id, now, isMember: () => true, enter: () => true };
  const request = await signRequest(signer, call, { aud: id, jti: 'x'.repeat(16), now });
  const claims = JSON.parse(Buffer.from(request.split('.')[1] ?? '', 'base64url').toString()) as object;
  const answered = { request: 'request', body: '{}', aud: id, now };
  const expectedAnswer = { group, from: signer.id, me: id, request: 'request', body: '{}', now };
  const secret = Secret.take(Buffer.alloc(32, 9));
  const wanted = await joinRequest(own, { group: group.id, name: 'ta2', url: 'https://ta2' });
  const invite = {
    kind: 'vouchsafe-invite',
    v: 1,
    id: 'A'.repeat(22),
    group: group.id,
    ca: authority.certificatePem,
    url: 'https://ta1',
    expires: now,
    secret: 'A'.repeat(43),
  };
  const state = { epoch: 1, min_epoch: 1, deny: { [`ek:${'ab'.repeat(32)}`]: 1 }, lifted: {} };
  const about2 = { aud: id, group: group.id, sub: 'group-ca-key', gen: 1, iat: now };
  const sealed = await sealSecret(signer, jwkOf(me.publicKey), about2, Secret.take(Buffer.alloc(32, 8)));
  const { plaintext } = await compactDecrypt(sealed, me.privateKey);
  const expectedSecret = { group, from: signer.id, me: id, sub: 'group-ca-key', gen: 1, now };
  const signed = (content: Uint8Array, typ: string) =>
    new CompactSign(content)
      .setProtectedHeader({ alg: 'ES256', typ, x5c: [certificate.raw.toString('base64')] })
      .sign(own.sig.privateKey);
  const target = (name: string, samples: readonly Uint8Array[], run: Target['run'], refuses: Target['refuses']) => ({
    name,
    samples,
    words,
    run,
    refuses,
  });
  const untrusted = problemsOf('member.untrusted');
  const refused = problemsOf('member.refused');
  const input = problemsOf(
    'input.malformed',
    'input.invalid',
    'input.too-large',
    'invite.refused',
    'service.untrusted',
  );
  return [
    target(
      'member',
      [bytesOf(await signMember(own.sig.privateKey, certificate, entry))],
      (b) => readMember(text(b), group, now),
      untrusted,
    ),
    target(
      'member-content',
      [json(entry), json({ ...about, id, removed: now })],
      async (bytes) => readMember(await signed(bytes, 'vs-member+jws'), group, now),
      untrusted,
    ),
    target('member-request', [bytesOf(request)], (bytes) => verifyRequest(text(bytes), against), refused),
    target(
      'member-request-claims',
      [json(claims)],
      async (bytes) => verifyRequest(await signed(bytes, 'vs-member-request+jws'), against),
      refused,
    ),
    target(
      'member-answer',
      [bytesOf(await signMemberAnswer(signer, answered))],
      (bytes) => verifyMemberAnswer(text(bytes), expectedAnswer),
      untrusted,
    ),
    target(
      'member-secret',
      [bytesOf(sealed)],
      (bytes) => openSecret(me.privateKey, text(bytes), expectedSecret),
      untrusted,
    ),
    target(
      'member-secret-content',
      [plaintext],
      async (bytes) => {
        const jwe = await new CompactEncrypt(bytes)
          .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', typ: 'vs-secret+jwe' })
          .encrypt(keyOf(jwkOf(me.publicKey), 'enc'));
        await openSecret(me.privateKey, jwe, expectedSecret);
      },
      untrusted,
    ),
    target('invite', [json(invite)], (bytes) => readInvite(text(bytes)), input),
    target(
      'join-message',
      [json(joinMessage(invite.id, secret, group.id, wanted))],
      (bytes) => joinMacHolds(secret, group.id, readJoinMessage(parseJson('join', text(bytes)))),
      input,
    ),
    target('join-request', [bytesOf(wanted)], (bytes) => readJoinRequest(text(bytes), group.id), input),
    target(
      'group-change',
      [json(state), json({ deny: state.deny })],
      (bytes) => {
        const standing = new GroupStanding();
        standing.join(readGroupChange(parseJson('change', text(bytes))));
        const again = standing.state();
        standing.join(again);
        if (JSON.stringify(standing.state()) !== JSON.stringify(again)) throw new Error('joined twice, it is another');
      },
      input,
    ),
  ];
};
