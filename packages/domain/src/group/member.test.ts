import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { everyBitFlip } from '@vouchsafe/bytes/hostile';
import fc from 'fast-check';
import { type Certified, type TestGroup, testGroup, testTime } from '../testing/group.ts';
import { type TestMember, testMember } from '../testing/members.ts';
import { problem } from '../testing/problem.ts';
import { readMember, signMember } from './member.ts';
import { type KeptStatement, MemberList } from './member-list.ts';

let ours: TestGroup;
let [a, b, c]: TestMember[] = [];
let all: KeptStatement[];

before(async () => {
  ours = await testGroup();
  [a, b, c] = [await testMember(ours, 'a'), await testMember(ours, 'b'), await testMember(ours, 'c')];
  const said = [
    one(a).says(one(a).entry()),
    one(a).says(one(b).entry(a)),
    one(b).says(one(c).entry(b)),
    one(a).says(one(c).entry(a, 2)),
    one(a).says(one(b).tombstone(one(a))),
    one(b).says(one(a).tombstone(one(b))),
    one(c).says(one(c).entry(c, 3)),
  ];
  all = await Promise.all(said);
});

const one = (member: TestMember | undefined): TestMember => member as TestMember;
const names = (list: MemberList) => list.members().map(({ name }) => name);

test('whatever the order in which statements come, members that heard the same agree', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6]), fc.infiniteStream(fc.nat()), (chosen, order) => {
      const statements = chosen.map((i) => all[i] as KeptStatement);
      const shuffled = [...statements, ...statements]
        .map((each) => ({ each, at: order.next().value }))
        .toSorted((x, y) => x.at - y.at)
        .map(({ each }) => each);
      assert.deepEqual(new MemberList(shuffled).members(), new MemberList(statements).members());
    }),
  );
});

test('a removal wins over what is said before and after it, and takes along whom the removed one let in', async () => {
  const list = new MemberList(all.slice(0, 3));
  assert.deepEqual(names(list), ['a', 'b', 'c']);
  list.add(all[4] as KeptStatement);
  assert.deepEqual([names(list), list.removedNames()], [['a'], ['b']]);
  list.add(all[3] as KeptStatement);
  assert.deepEqual(names(list), ['a', 'c'], 'who removed it says who stays');
  list.add(await one(a).says(one(b).entry(a, 99)));
  list.add(await one(b).says(one(b).entry(b, 100)));
  assert.deepEqual(names(list), ['a', 'c']);
  assert.ok(list.isTaken('b') && !list.isTaken('d'));
});

test('of two members that remove each other both are gone, for everybody', () => {
  const [first, second] = [new MemberList(all.slice(0, 6)), new MemberList(all.slice(0, 6).toReversed())];
  assert.deepEqual([names(first), names(second)], [[], []]);
});

test('a speaker cannot push out what another said', async () => {
  const list = new MemberList(all.slice(0, 4));
  const moved = { ...one(c).entry(b, 1), url: 'https://evil.example' };
  assert.equal(list.add(await one(b).says(moved)), undefined, 'the same generation again');
  assert.equal(list.find(one(c).id)?.by, one(a).id);
});

const attacks: [name: string, text: RegExp, jws: () => Promise<string>][] = [
  [
    'a host of another group',
    /not issued by the CA of group/,
    async () => {
      const other = await testMember(await testGroup(), 'a');
      return (await other.says({ ...one(b).entry(other), by: other.id })).jws;
    },
  ],
  ['an attestd of the group', /role member/, async () => signAs(await ours.inRole('attestd'))],
  ['a member in the name of another', /by another member/, async () => (await one(b).says(one(c).entry(a))).jws],
  [
    'a member about another group',
    /about group/,
    async () => (await one(a).says({ ...one(b).entry(a), group: 'A'.repeat(43) })).jws,
  ],
  [
    'a member with a key that is not that of the id',
    /id/,
    async () => (await one(a).says({ ...one(b).entry(a), id: one(c).id })).jws,
  ],
  [
    'a member with an address that is none',
    /url|union|member/,
    async () => (await one(a).says({ ...one(b).entry(a), url: 'http://b' })).jws,
  ],
];
const signAs = ({ key, certificate }: Certified) => signMember(key, certificate, one(b).entry(a));

for (const [name, text, make] of attacks) {
  test(`a statement by ${name} is refused`, async () => {
    await assert.rejects(readMember(await make(), ours.group, testTime), problem('member.untrusted', text));
  });
}

test('no statement survives a changed bit of its payload or signature', async () => {
  const { jws } = all[1] as KeptStatement;
  await readMember(jws, ours.group, testTime);
  const tail = Buffer.from(jws.slice(jws.indexOf('.')));
  const flipped: string[] = [];
  everyBitFlip(
    tail,
    (bytes, bit) => bit % 13 === 0 && flipped.push(jws.slice(0, jws.indexOf('.')) + Buffer.from(bytes).toString()),
  );
  for (const each of flipped)
    if (each !== jws) await assert.rejects(readMember(each, ours.group, testTime), problem('member.untrusted'));
});
