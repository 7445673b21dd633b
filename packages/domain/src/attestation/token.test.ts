import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { before, test } from 'node:test';
import { everyBitFlip } from '@vouchsafe/bytes/hostile';
import { SignJWT } from 'jose';
import { GroupStanding } from '../group/group-standing.ts';
import { roles } from '../group/role.ts';
import { firstRefusal } from '../rules.ts';
import { type Certified, newSession, sampleClaims, type TestGroup, testGroup, testTime } from '../testing/group.ts';
import { problem } from '../testing/problem.ts';
import { tokenAttacks } from '../testing/token-attacks.ts';
import { readToken, signToken, type TokenClaims, tokenRules, verifyToken } from './token.ts';

let ours: TestGroup;
let attestd: Certified;
const session = newSession();
const sign = ({ key, certificate }: Certified, change: Partial<TokenClaims> = {}) =>
  signToken(key, certificate, sampleClaims(ours.group, session, change));

before(async () => {
  ours = await testGroup();
  attestd = await ours.inRole('attestd');
});

test('a token comes back as it was signed', async () => {
  const claims = await verifyToken(await sign(attestd), ours.group, testTime);
  assert.deepEqual(claims, sampleClaims(ours.group, session));
});

const sub = `ek:${'ab'.repeat(32)}`;
/** What the group took away before these tokens are shown. */
const standing = () => {
  const all = new GroupStanding();
  all.join({ epoch: 7, min_epoch: 7, deny: { [sub]: testTime + 5 } });
  all.remove(['ta-2']);
  return all;
};
const other = `ek:${'cd'.repeat(32)}`;
/** A token that the group has nothing against. */
const good = { epoch: 7, sub: other } as const;

for (const { case: id, name, make } of tokenAttacks) {
  test(`${id}: a token ${name} is refused`, async () => {
    const token = await make({ ours, attestd, session });
    await assert.rejects(verifyToken(token, ours.group, testTime), problem('token.invalid'));
  });
}

const attacks: [name: string, rule: string, text: RegExp, token: () => Promise<string>][] = [
  [
    'an attestd outside the group',
    'token.signer',
    /not issued by the CA of group/,
    async () => sign(await (await testGroup()).inRole('attestd'), good),
  ],
  ['a kmxd of the group', 'token.signer', /role attestd/, async () => sign(await ours.inRole('kmxd'), good)],
  [
    'a part with a role that only begins alike',
    'token.signer',
    /role attestd/,
    async () => sign(await ours.certify([`${roles.attestd}x`, `urn:x, URI:${roles.attestd}`]), good),
  ],
  [
    'a server certificate of the group',
    'token.signer',
    /role attestd/,
    async () => sign(await ours.certify([], ['server']), good),
  ],
  [
    'the group CA itself, whose key signs certificates only',
    'token.signer',
    /one of a CA/,
    async () => {
      const { X509Certificate } = await import('node:crypto');
      const certificate = new X509Certificate(ours.authority.certificatePem);
      return sign({ key: ours.authority.privateKey, certificate }, good);
    },
  ],
  ['made for another group', 'token.group', /made for group/, () => sign(attestd, { ...good, aud: 'A'.repeat(43) })],
  [
    'expired',
    'token.expired',
    /it expired 30 s ago/,
    () => sign(attestd, { ...good, iat: testTime - 630, exp: testTime - 30 }),
  ],
  [
    'from the future',
    'token.future',
    /future/,
    () => sign(attestd, { ...good, iat: testTime + 31, exp: testTime + 60 }),
  ],
  [
    'with a status that is better than its vector',
    'token.ear',
    /worst of its vector/,
    () => {
      const { host } = sampleClaims(ours.group, session).submods;
      const vector = { ...host['ear.trustworthiness-vector'], executables: 'contraindicated' as const };
      return sign(attestd, { ...good, submods: { host: { ...host, 'ear.trustworthiness-vector': vector } } });
    },
  ],
  [
    'longer than it may live',
    'token.lifetime',
    /longer than 600 s/,
    () => sign(attestd, { ...good, exp: testTime + 601 }),
  ],
  [
    'of a Trust Authority host that was removed',
    'token.member',
    /host ta-2 was removed from the group/,
    async () => sign(await ours.certify([roles.attestd], ['sign'], 'attestd.ta-2'), good),
  ],
  [
    'of an epoch before',
    'token.epoch',
    /epoch 6, trust was taken away in epoch 7/,
    () => sign(attestd, { ...good, epoch: 6 }),
  ],
  ['of a host that was denied', 'token.denied', /denied/, () => sign(attestd, { ...good, sub })],
  [
    'made after its host was denied, by an attestd that had not heard',
    'token.denied',
    /denied/,
    () => sign(attestd, { ...good, sub, iat: testTime + 10 }),
  ],
];

for (const [name, rule, text, make] of attacks) {
  test(`a token ${name} is refused, and accepted when ${rule} is taken out`, async () => {
    const token = await make();
    await assert.rejects(verifyToken(token, ours.group, testTime, standing()), problem('token.invalid', text));
    const presented = { ...(await readToken(token)), group: ours.group, standing: standing(), now: testTime };
    assert.equal((await firstRefusal(tokenRules, presented))?.rule, rule);
    const others = tokenRules.filter(({ id }) => id !== rule);
    assert.equal(others.length, tokenRules.length - 1);
    assert.equal(await firstRefusal(others, presented), undefined);
  });
}

test('clocks may differ by 30 s and no more', async () => {
  const token = await sign(attestd);
  for (const [offset, holds] of [
    [-30, true],
    [-31, false],
    [629, true],
    [630, false],
  ] as const) {
    const verdict = verifyToken(token, ours.group, testTime + offset);
    await (holds ? verdict : assert.rejects(verdict, problem('token.invalid')));
  }
});

test('a certificate that is expired or not yet valid signs nothing', async () => {
  const token = await sign(attestd, { iat: testTime + 90000, exp: testTime + 90600 });
  await assert.rejects(verifyToken(token, ours.group, testTime + 90000), problem('token.invalid', /expired/));
});

test('RFC 8725, 3.1: no algorithm but ES256, and no key on the word of the header', async () => {
  const claims = { ...sampleClaims(ours.group, session) };
  const [header = '', payload = '', signature = ''] = (await sign(attestd)).split('.');
  const json = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>;
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const spki = attestd.certificate.publicKey.export({ format: 'pem', type: 'spki' });
  const hs256 = encode({ ...json, alg: 'HS256' });
  const mac = createHmac('sha256', spki).update(`${hs256}.${payload}`).digest('base64url');
  const mine = newSession().signing;
  const jwk = createPublicKey(mine.privateKey).export({ format: 'jwk' });
  const own = (change: object) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: String(json.typ), ...change }).sign(mine.privateKey);
  const forged = [
    `${encode({ ...json, alg: 'none' })}.${payload}.`,
    `${hs256}.${payload}.${mac}`,
    `${encode({ ...json, typ: 'JWT' })}.${payload}.${signature}`,
    `${encode({ ...json, x5c: [...(json.x5c as string[]), ...(json.x5c as string[])] })}.${payload}.${signature}`,
    `${encode({ ...json, crit: ['exp'], exp: 1 })}.${payload}.${signature}`,
    await own({ jwk }),
    await own({ x5c: json.x5c, jwk }),
    await own({ x5c: ['bm8gY2VydA=='] }),
    await own({ x5u: 'https://127.0.0.1/key', jku: 'https://127.0.0.1/keys', kid: '../../key' }),
    '',
    '..',
    'a.b.c',
    'x'.repeat(16385),
  ];
  for (const token of forged) await assert.rejects(verifyToken(token, ours.group, testTime), problem('token.invalid'));
});

test('a token without a claim, or with a value that it cannot have, is refused', async () => {
  const whole = sampleClaims(ours.group, session) as unknown as Record<string, unknown>;
  const optional = ['mig', 'policy', 'nbf'];
  for (const name of Object.keys(whole).filter((each) => !optional.includes(each))) {
    const { [name]: _gone, ...rest } = whole;
    const token = await signToken(attestd.key, attestd.certificate, rest as unknown as TokenClaims);
    await assert.rejects(verifyToken(token, ours.group, testTime), problem('token.invalid', new RegExp(name)));
  }
  const status = { ...sampleClaims(ours.group, session).submods.host, 'ear.status': 'fine' };
  const unknown = await sign(attestd, { submods: { host: status } } as unknown as Partial<TokenClaims>);
  await assert.rejects(verifyToken(unknown, ours.group, testTime), problem('token.invalid', /ear.status/));
});

test('no changed octet of a token is accepted', async () => {
  const token = await sign(attestd);
  const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url');
  const head = token.slice(0, token.lastIndexOf('.'));
  const flipped: string[] = [];
  everyBitFlip(signature, (bytes) => flipped.push(`${head}.${Buffer.from(bytes).toString('base64url')}`));
  for (let at = 0; at < head.length; at += 7) flipped.push(`${token.slice(0, at)}~${token.slice(at + 1)}`);
  for (const each of flipped) await assert.rejects(verifyToken(each, ours.group, testTime), problem('token.invalid'));
});
