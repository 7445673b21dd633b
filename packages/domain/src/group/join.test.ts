import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { CompactEncrypt } from 'jose';
import { jwkOf, keyOf, newPair } from '../keys/jwk.ts';
import { type TestGroup, testGroup, testTime } from '../testing/group.ts';
import { type TestMember, testMember } from '../testing/members.ts';
import { problem } from '../testing/problem.ts';
import { issue } from '../x509/authority.ts';
import { inviteSecret, newInvite, readInvite } from './invite.ts';
import {
  type IdentityKeys,
  joinMacHolds,
  joinMessage,
  joinReply,
  joinRequest,
  readJoinAnswer,
  readJoinRequest,
} from './join.ts';
import { roles } from './role.ts';
import { openSecret, sealSecret } from './sealed-secret.ts';

let ours: TestGroup;
let member: TestMember;
let relay: TestGroup;
const keys: IdentityKeys = { sig: newPair(), enc: newPair() };
const secret = Secret.take(Buffer.alloc(32, 7));
const validity = { notBefore: new Date((testTime - 60) * 1000), notAfter: new Date((testTime + 86400) * 1000) };

before(async () => {
  [ours, relay] = [await testGroup(), await testGroup('a center')];
  member = await testMember(ours, 'ta-1');
});

const request = (group = ours.group.id) => joinRequest(keys, { group, name: 'ta-2', url: 'https://ta-2:443' });
const certify = (of: TestGroup, publicKey = keys.sig.publicKey) =>
  issue({
    authority: of.authority,
    publicKey,
    subject: 'member.ta-2',
    sans: { uri: [roles.member] },
    usages: ['sign'],
    ...validity,
  });

async function reply(text: string, by = secret, of = ours, sig = keys.sig.publicKey) {
  const certificates = { sig: await certify(of, sig), enc: await certify(of, keys.enc.publicKey) };
  return joinReply(by, text, { group: of.group.id, by: member.id, ...certificates, members: [] });
}

test('a join: request under the secret, answer under the secret, certificates for our keys', async () => {
  const text = await request();
  const message = joinMessage('A'.repeat(22), secret, ours.group.id, text);
  assert.ok(joinMacHolds(secret, ours.group.id, message));
  const wanted = await readJoinRequest(message.request, ours.group.id);
  assert.deepEqual([wanted.name, wanted.url], ['ta-2', 'https://ta-2:443']);
  assert.ok(wanted.sig.equals(keys.sig.publicKey) && wanted.enc.equals(keys.enc.publicKey));
  const joined = readJoinAnswer(secret, {
    request: text,
    reply: await reply(text),
    group: ours.group,
    keys,
    now: testTime,
  });
  assert.equal(joined.by, member.id);
});

test('a relay that exchanges the keys, the name or the group in a request is noticed', async () => {
  const message = joinMessage('A'.repeat(22), secret, ours.group.id, await request());
  const own = await joinRequest(
    { sig: newPair(), enc: newPair() },
    { group: ours.group.id, name: 'ta-2', url: 'https://ta-2:443' },
  );
  const changed = [
    { ...message, request: own },
    { ...message, request: message.request.replace('"ta-2"', '"ta-3"') },
    { ...message, request: message.request.replace('https://ta-2', 'https://evil') },
    { ...message, mac: message.mac.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) },
    { ...message, mac: 'A'.repeat(43) },
    joinMessage('A'.repeat(22), Secret.take(Buffer.alloc(32, 8)), ours.group.id, own),
    joinMessage('A'.repeat(22), secret, relay.group.id, message.request),
  ];
  for (const each of changed)
    assert.equal(joinMacHolds(secret, ours.group.id, each), false, JSON.stringify(each).slice(0, 80));
  await assert.rejects(readJoinRequest(await request(relay.group.id), ours.group.id), problem('invite.refused'));
});

test('a relay that answers itself, with its own CA or with a good certificate for its own key, is noticed', async () => {
  const text = await request();
  const good = await reply(text);
  const forged = [
    await reply(text, Secret.take(Buffer.alloc(32, 8))),
    await reply(text, secret, relay),
    await reply(`${text} `),
    await reply(text, secret, ours, newPair().publicKey),
    { ...good, answer: good.answer.replace('"members":[]', '"members":["x"]') },
    { ...good, mac: 'A'.repeat(43) },
  ];
  for (const each of forged) {
    assert.throws(
      () => readJoinAnswer(secret, { request: text, reply: each, group: ours.group, keys, now: testTime }),
      problem('member.untrusted'),
    );
  }
});

const badRequests: [name: string, text: () => Promise<string>, field: RegExp][] = [
  ['no JSON', async () => 'x', /not JSON/],
  ['a name with a slash', async () => (await request()).replace('"ta-2"', '"ta/2"'), /name/],
  ['an address without TLS', async () => (await request()).replace('https:', 'http:'), /url/],
  [
    'one key for both',
    async () => joinRequest({ sig: keys.sig, enc: keys.sig }, { group: ours.group.id, name: 'x', url: 'https://x' }),
    /two keys/,
  ],
  ['no certificate request', async () => JSON.stringify({ ...JSON.parse(await request()), enc: 'x' }), /enc/],
];
for (const [name, text, field] of badRequests) {
  test(`a join request with ${name} is refused by its field`, async () => {
    await assert.rejects(readJoinRequest(await text(), ours.group.id), { message: field });
  });
}

test('an invite comes back from its file, and one whose CA is not that of its group does not', async () => {
  const { id, secret: made } = newInvite();
  const file = {
    kind: 'vouchsafe-invite',
    v: 1,
    id,
    group: ours.group.id,
    ca: ours.authority.certificatePem,
    url: 'https://ta-1:443',
    expires: testTime,
    secret: made.use((bytes) => Buffer.from(bytes).toString('base64url')),
  };
  const invite = readInvite(JSON.stringify(file));
  assert.ok(inviteSecret(invite).equals(made));
  const other = { ...file, ca: relay.authority.certificatePem };
  assert.throws(() => readInvite(JSON.stringify(other)), problem('service.untrusted'));
  for (const change of [{ v: 2 }, { secret: 'x' }, { id: '' }, { url: 'http://x' }, { more: 1 }, { expires: 'never' }])
    assert.throws(() => readInvite(JSON.stringify({ ...file, ...change })), problem('input.invalid'));
  assert.throws(() => readInvite('x'.repeat(20_000)), problem('input.too-large'));
});

const me = 'M'.repeat(43);
const claims = (aud: string) => ({ aud, group: ours.group.id, sub: 'group-ca-key', gen: 3, iat: testTime });
const expected = () => ({ group: ours.group, from: member.id, me, sub: 'group-ca-key', gen: 3, now: testTime });
const seal = (by: TestMember, change: Partial<ReturnType<typeof claims>> = {}) =>
  sealSecret(by, jwkOf(keys.enc.publicKey), { ...claims(me), ...change }, Secret.take(Buffer.from('the key')));
const open = (sealed: string) => openSecret(keys.enc.privateKey, sealed, expected());

test('a secret arrives at the member that it is for, and at no other', async () => {
  const sealed = await seal(member);
  const { secret: opened, gen } = await open(sealed);
  assert.deepEqual([opened.use((bytes) => Buffer.from(bytes).toString()), gen], ['the key', 3]);
  await assert.rejects(
    openSecret(newPair().privateKey, sealed, expected()),
    problem('member.untrusted', /not sealed to/),
  );
});

const sealedAttacks: [name: string, text: RegExp, make: () => Promise<string>][] = [
  [
    'that a center made and signed with a certificate of its own',
    /not issued by/,
    async () => seal(await testMember(relay, 'ta-1')),
  ],
  ['that another member signed', /another member signed/, async () => seal(await testMember(ours, 'ta-3'))],
  ['that was signed for another member', /for another member/, () => seal(member, { aud: 'O'.repeat(43) })],
  ['of another group', /belongs to group/, () => seal(member, { group: relay.group.id })],
  ['of another name', /it is kmip, not/, () => seal(member, { sub: 'kmip' })],
  ['of an older generation', /generation 2 is below 3/, () => seal(member, { gen: 2 })],
  ['that nobody signed', /not signed/, () => encrypted(Buffer.from('the key'))],
  ['whose signature is no detached one', /detached/, () => encrypted(Buffer.from('a.b.c\nthe key'))],
  ['with a header that is none', /not signed by a member/, () => encrypted(Buffer.from('a..c\nthe key'))],
];
const encrypted = (plaintext: Uint8Array) =>
  new CompactEncrypt(plaintext)
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', typ: 'vs-secret+jwe' })
    .encrypt(keyOf(jwkOf(keys.enc.publicKey), 'enc'));

for (const [name, text, make] of sealedAttacks) {
  test(`a secret ${name} is refused`, async () => {
    await assert.rejects(open(await make()), problem('member.untrusted', text));
  });
}

test('a secret whose octets were exchanged under a good signature is refused', async () => {
  const { plaintext } = await import('jose').then(({ compactDecrypt }) =>
    seal(member).then((sealed) => compactDecrypt(sealed, keys.enc.privateKey)),
  );
  plaintext[plaintext.length - 1]! ^= 1;
  await assert.rejects(open(await encrypted(plaintext)), problem('member.untrusted', /signature does not hold/));
});
