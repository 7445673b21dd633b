import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { firstRefusal } from '../rules.ts';
import { type TestGroup, testGroup, testTime } from '../testing/group.ts';
import { type TestMember, testMember } from '../testing/members.ts';
import { problem } from '../testing/problem.ts';
import {
  type MemberCall,
  memberRequestRules,
  type PresentedRequest,
  readMemberRequest,
  signMemberAnswer,
  signRequest,
  verifyMemberAnswer,
  verifyRequest,
} from './member-request.ts';

let ours: TestGroup;
let us: TestMember;
let peer: TestMember;
let former: TestMember;
const call: MemberCall = { method: 'GET', path: '/member/group-state?after=1', body: '' };

before(async () => {
  ours = await testGroup();
  [us, peer, former] = [await testMember(ours, 'us'), await testMember(ours, 'peer'), await testMember(ours, 'former')];
});

function against(change: Partial<PresentedRequest> = {}): Omit<PresentedRequest, 'claims' | 'signer'> {
  const seen = new Set<string>();
  const enter = (jti: string) => !seen.has(jti) && seen.add(jti) === seen;
  const isMember = (id: string) => id === peer.id || id === us.id;
  return { call, group: ours.group, me: us.id, now: testTime, isMember, enter, ...change };
}

const signed = (by: TestMember, change: Partial<MemberCall> = {}, also: { aud?: string; now?: number } = {}) =>
  signRequest(by, { ...call, ...change }, { aud: us.id, jti: randomUUID(), now: testTime, ...also });

test('a request of a member is taken, once, and clocks may differ by a minute', async () => {
  const now = against();
  const request = await signed(peer);
  assert.equal(await verifyRequest(request, now), peer.id);
  await assert.rejects(verifyRequest(request, now), problem('member.refused', /used already/));
  for (const off of [-60, 30, 60])
    assert.equal(await verifyRequest(await signed(peer, {}, { now: testTime + off }), against()), peer.id);
});

const attacks: [name: string, rule: string, make: () => Promise<string>][] = [
  [
    'with a certificate that a center made',
    'member.signer',
    async () => signed({ ...(await testMember(await testGroup(), 'peer')), id: peer.id }),
  ],
  ['in the name of another member', 'member.issuer', () => signed({ ...us, id: peer.id })],
  ['of a member that was removed', 'member.listed', () => signed(former)],
  ['to another member, passed on', 'member.audience', () => signed(peer, {}, { aud: peer.id })],
  ['for another path', 'member.call', () => signed(peer, { path: '/member/group-state?after=2' })],
  ['with another method', 'member.call', () => signed(peer, { method: 'POST' })],
  ['with another body', 'member.body', () => signed(peer, { body: '{}' })],
  ['that is old', 'member.time', () => signed(peer, {}, { now: testTime - 61 })],
  ['made in advance', 'member.time', () => signed(peer, {}, { now: testTime + 61 })],
];
for (const [name, rule, make] of attacks) {
  test(`a request ${name} is refused, and taken when ${rule} is left out`, async () => {
    const request = await make();
    await assert.rejects(verifyRequest(request, against()), problem('member.refused'));
    const presented = { ...(await readMemberRequest(request)), ...against() };
    assert.equal((await firstRefusal(memberRequestRules, presented))?.rule, rule);
    const same = rule === 'member.signer' ? ['member.signer', 'member.issuer'] : [rule];
    const others = memberRequestRules.filter(({ id }) => !same.includes(id));
    assert.equal(await firstRefusal(others, presented), undefined);
  });
}

test('a request that is played again is taken when member.once is left out', async () => {
  const state = against();
  const presented = { ...(await readMemberRequest(await signed(peer))), ...state };
  assert.equal(await firstRefusal(memberRequestRules, presented), undefined);
  assert.equal((await firstRefusal(memberRequestRules, presented))?.rule, 'member.once');
  assert.equal(
    await firstRefusal(
      memberRequestRules.filter(({ id }) => id !== 'member.once'),
      presented,
    ),
    undefined,
  );
});

test('what is no request is refused by its form', async () => {
  for (const text of ['', 'x', 'a.b.c', 'x'.repeat(9000)]) {
    await assert.rejects(readMemberRequest(text), problem('member.refused'));
  }
});

const answers: [name: string, change: (request: string) => Promise<string>][] = [
  ['of another member', (request) => signMemberAnswer(former, { request, body: '{}', aud: us.id, now: testTime })],
  ['for another member', (request) => signMemberAnswer(peer, { request, body: '{}', aud: former.id, now: testTime })],
  ['to another request', () => signMemberAnswer(peer, { request: 'x', body: '{}', aud: us.id, now: testTime })],
  ['with another content', (request) => signMemberAnswer(peer, { request, body: '[]', aud: us.id, now: testTime })],
  [
    'of a host outside the group',
    async (request) =>
      signMemberAnswer(await testMember(await testGroup(), 'peer'), { request, body: '{}', aud: us.id, now: testTime }),
  ],
  ['that is a request', () => signed(peer)],
];
for (const [name, make] of answers) {
  test(`an answer ${name} is not believed`, async () => {
    const request = await signed(us, {}, { aud: peer.id });
    const expected = { group: ours.group, from: peer.id, me: us.id, request, body: '{}', now: testTime };
    await verifyMemberAnswer(
      await signMemberAnswer(peer, { request, body: '{}', aud: us.id, now: testTime }),
      expected,
    );
    await assert.rejects(verifyMemberAnswer(await make(request), expected), problem('member.untrusted'));
  });
}
