import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { firstRefusal } from '../rules.ts';
import { type Certified, newSession, type TestGroup, testGroup, testTime } from '../testing/group.ts';
import { problem } from '../testing/problem.ts';
import { jwkOf } from './jwk.ts';
import { checkItems, type ReleaseAnswer, readProvidersAnswer, readReleaseAnswer } from './release.ts';
import { openSealedKey, sealKeyTo } from './sealed-key.ts';
import { answerRules, readAnswer, signAnswer, verifyAnswer } from './signed-answer.ts';

const prv = '11111111-2222-4333-8444-555555555555';
const other = '99999999-2222-4333-8444-555555555555';
const expected = { op: 'decrypt', aud: `ek:${'ab'.repeat(32)}`, req: 'r'.repeat(43) };
const item = { prv, ct: 'a.b.c.d.e', key: 'sealed', uses: ['run' as const] };
const answer: ReleaseAnswer = { op: 'decrypt', items: [item], aud: expected.aud, req: expected.req, iat: testTime };

let ours: TestGroup;
let kmxd: Certified;
const sign = ({ key, certificate }: Certified, content: Partial<ReleaseAnswer> = {}) =>
  signAnswer(key, certificate, { ...answer, ...content });
const verify = (jws: string) => verifyAnswer(jws, ours.group, readReleaseAnswer, expected, testTime);

before(async () => {
  ours = await testGroup();
  kmxd = await ours.inRole('kmxd');
});

test('an answer of a kmxd of the group to our request is believed', async () => {
  assert.deepEqual(await verify(await sign(kmxd)), answer);
});

const attacks: [name: string, rule: string, jws: () => Promise<string>][] = [
  ['by the proxy of the group', 'answer.signer', async () => sign(await ours.certify([], ['server']))],
  ['by an attestd of the group', 'answer.signer', async () => sign(await ours.inRole('attestd'))],
  ['by a kmxd of another group', 'answer.signer', async () => sign(await (await testGroup()).inRole('kmxd'))],
  ['to an earlier request', 'answer.request', () => sign(kmxd, { req: 's'.repeat(43) })],
  ['for another host', 'answer.host', () => sign(kmxd, { aud: `ek:${'cd'.repeat(32)}` })],
  ['to another operation', 'answer.operation', () => sign(kmxd, { op: 'rewrap' })],
];

for (const [name, rule, make] of attacks) {
  test(`an answer ${name} is refused, and believed when ${rule} is taken out`, async () => {
    const jws = await make();
    await assert.rejects(verify(jws), problem('service.untrusted'));
    const presented = { ...(await readAnswer(jws, readReleaseAnswer)), group: ours.group, expected, now: testTime };
    assert.equal((await firstRefusal(answerRules, presented))?.rule, rule);
    const others = answerRules.filter(({ id }) => id !== rule);
    assert.equal(await firstRefusal(others, presented), undefined);
  });
}

test('malformed answers are refused', async () => {
  const [header = '', payload = ''] = (await sign(kmxd)).split('.');
  const forged = [
    '',
    'a.b.c',
    'undefined',
    `${header}.${payload}.`,
    `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    await signAnswer(kmxd.key, kmxd.certificate, { ...answer, more: 1 } as never),
    await signAnswer(kmxd.key, kmxd.certificate, { ...answer, items: [] } as never),
    'x'.repeat(1024 * 1024 + 1),
  ];
  for (const jws of forged) await assert.rejects(verify(jws), problem('service.untrusted'));
  await assert.rejects(
    verifyAnswer(await sign(kmxd), ours.group, readProvidersAnswer, expected, testTime),
    problem('service.untrusted'),
    'an answer of one kind is none of another',
  );
});

test('items must be those that were asked for, in their order', () => {
  const second = { prv, ct: 'f.g.h.i.j' };
  const both: ReleaseAnswer = { ...answer, items: [item, { ...item, ...second }] };
  checkItems(both, [item, second]);
  const wrong: ReleaseAnswer['items'][] = [
    [item],
    [...both.items].reverse(),
    [item, item],
    [item, { ...item, prv: other }],
    [...both.items, item],
  ];
  for (const items of wrong) {
    assert.throws(() => checkItems({ ...both, items }, [item, second]), problem('service.untrusted'));
  }
  const made: ReleaseAnswer = { ...answer, op: 'generate-key', items: [item] };
  checkItems(made, [{ prv }]);
  assert.throws(() => checkItems(made, [{ prv: other }]), problem('service.untrusted'));
});

test('a released key opens for the host that it is sealed to, and for no other', async () => {
  const [host, thief] = [newSession().encryption, newSession().encryption];
  const key = Buffer.alloc(32, 7);
  const sealed = await sealKeyTo(jwkOf(host.publicKey), key);
  assert.deepEqual((await openSealedKey(host.privateKey, sealed)).export(), key);
  await assert.rejects(openSealedKey(thief.privateKey, sealed), problem('service.untrusted'));
  const lax = await sealKeyTo(jwkOf(thief.publicKey), key);
  assert.deepEqual(
    (await openSealedKey(thief.privateKey, lax)).export(),
    key,
    'a service that seals to whichever key a request names gives it to the thief',
  );
});

test('no changed header or text of a sealed key opens', async () => {
  const { privateKey, publicKey } = newSession().encryption;
  const sealed = await sealKeyTo(jwkOf(publicKey), new Uint8Array(32));
  const [header = '', ...rest] = sealed.split('.');
  const json = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>;
  const changed = [
    { ...json, apu: 'AAAA' },
    { ...json, alg: 'ECDH-ES+A256KW' },
    { ...json, enc: 'A128GCM' },
    { ...json, alg: 'PBES2-HS256+A128KW', p2c: 1e9, p2s: 'AAAA' },
    { ...json, zip: 'DEF' },
    { ...json, epk: jwkOf(newSession().encryption.publicKey) },
    { ...json, epk: { ...(json.epk as object), x: 'A'.repeat(43), y: 'A'.repeat(43) } },
  ].map((each) => [Buffer.from(JSON.stringify(each)).toString('base64url'), ...rest].join('.'));
  const parts = sealed.split('.');
  for (const [i, part] of parts.entries()) changed.push(parts.with(i, `${part}AA`).join('.'));
  for (const each of [...changed, '', '....', sealed.slice(0, -1)]) {
    await assert.rejects(openSealedKey(privateKey, each), problem('service.untrusted'));
  }
  const short = await sealKeyTo(jwkOf(publicKey), new Uint8Array(31));
  await assert.rejects(openSealedKey(privateKey, short), problem('service.untrusted'));
});
