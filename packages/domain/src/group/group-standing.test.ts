import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { problem } from '../testing/problem.ts';
import { GroupStanding, hostOf } from './group-standing.ts';
import { type GroupChange, readGroupChange } from './group-state.ts';

const subs = ['00', '11', '22'].map((byte) => `ek:${byte.repeat(32)}`);
const [host = '', other = ''] = subs;
const seconds = fc.integer({ min: 0, max: 50 });
const bySubject = fc.dictionary(fc.constantFrom(...subs), seconds, { noNullPrototype: true });
const change: fc.Arbitrary<GroupChange> = fc.record({
  epoch: seconds,
  min_epoch: seconds,
  deny: bySubject,
  lifted: bySubject,
});
const after = (...changes: GroupChange[]) => {
  const standing = new GroupStanding();
  for (const each of changes) standing.join(each);
  return standing;
};

test('whatever the order, repetition and detours of changes, all members end with the same state', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (changes, order) => {
      const expected = after(...changes).state();
      const shuffled = [...changes, ...changes]
        .map((each) => ({ each, at: order.next().value }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ each }) => each);
      assert.deepEqual(after(...shuffled).state(), expected);
      const half = after(...changes.slice(0, 3)).state();
      const rest = after(...changes.slice(3)).state();
      assert.deepEqual(after(rest, half).state(), expected, 'also when whole states are exchanged');
      assert.deepEqual(after(expected, expected).state(), expected);
    }),
  );
});

test('a state never goes back: nothing that was refused is accepted after any other change but a lifting', () => {
  fc.assert(
    fc.property(change, change, seconds, (first, second, at) => {
      const standing = after(first);
      const before = [standing.whyEpoch(at), standing.whyDenied(host, at)];
      standing.join({ ...second, lifted: {} });
      const now = [standing.whyEpoch(at), standing.whyDenied(host, at)];
      for (const [i, refused] of before.entries()) assert.ok(refused === undefined || now[i] !== undefined);
    }),
  );
});

test('a join says what it brought, so that nothing is written or spread twice', () => {
  const standing = after({ deny: { [host]: 5 } });
  assert.deepEqual(standing.join({ deny: { [host]: 5, [other]: 1 } }), { counters: false, subjects: [other] });
  assert.deepEqual(standing.join({ epoch: 1 }), { counters: true, subjects: [] });
  assert.deepEqual(standing.join(standing.state()), { counters: false, subjects: [] });
});

test('a denied host is refused whatever the time of its token, until the denial is lifted; older tokens stay refused', () => {
  const standing = after({ deny: { [host]: 100 } });
  for (const iat of [99, 100, 101, 9999]) assert.match(String(standing.whyDenied(host, iat)), /denied/);
  standing.join(standing.lifting(host));
  assert.match(String(standing.whyDenied(host, 100)), /attest again/);
  assert.equal(standing.whyDenied(host, 101), undefined);
  assert.equal(standing.whyDenied(other, 1), undefined);
});

test('a host that is approved again gets a token at once, also from a member whose clock is behind', () => {
  const standing = after({ deny: { [host]: 100 }, lifted: { [host]: 100 } });
  for (const now of [71, 99, 100, 101, 500]) {
    const iat = standing.dateFor(host, now, 30);
    assert.equal(standing.whyDenied(host, iat), undefined, String(now));
    assert.ok(iat <= now + 30, 'a token from the future is refused');
  }
  assert.equal(standing.dateFor(host, 70, 30), 70, 'a clock that is further behind is wrong, and is complained of');
  assert.equal(standing.dateFor(other, 70, 30), 70);
});

test('of a denial and an approval that did not know of it, the denial wins, whatever the clocks say', () => {
  const [here, there] = [after({ deny: { [host]: 100 } }), after({ deny: { [host]: 100 } })];
  const approval = here.lifting(host);
  const denial = after({ deny: { [host]: 100 } }, there.lifting(host)).denial(host, 50);
  const [a, b] = [after(here.state(), approval, denial), after(there.state(), denial, approval)];
  assert.deepEqual(a.state(), b.state());
  assert.ok(a.isDenied(host), 'also when the clock of who denied is behind');
  a.join(a.lifting(host));
  assert.ok(!a.isDenied(host), 'an approval that knows of it lifts it');
  assert.deepEqual(a.lifting(host), {});
});

test('an epoch below the lowest is refused, and the own epoch is never below it', () => {
  const standing = after({ min_epoch: 3 });
  assert.equal(standing.epoch, 3);
  assert.match(String(standing.whyEpoch(2)), /epoch 2, trust was taken away in epoch 3/);
  standing.join(standing.raising());
  assert.deepEqual([standing.epoch, standing.minEpoch], [4, 4]);
  assert.equal(standing.whyEpoch(4), undefined);
});

const malformed: [name: string, value: unknown, field: RegExp][] = [
  ['text', 'x', /\(root\)/],
  ['an unknown member', { tokens: {} }, /tokens/],
  ['an epoch below 0', { epoch: -1 }, /epoch/],
  ['an epoch that leaves no room to count', { epoch: Number.MAX_SAFE_INTEGER }, /epoch/],
  ['half an epoch', { min_epoch: 1.5 }, /min_epoch/],
  ['a subject that is none', { deny: { 'ek:12': 1 } }, /deny/],
  ['a prototype', JSON.parse('{"deny":{"__proto__":1}}'), /deny/],
  ['a time that is none', { lifted: { [host]: 'now' } }, /lifted/],
];
for (const [name, value, field] of malformed) {
  test(`${name} is no change of the group state`, () => {
    assert.throws(() => readGroupChange(value), problem('input.invalid', field));
  });
}

test('certificates name the host they were made for', () => {
  const of = (subject: string) => hostOf({ subject } as Parameters<typeof hostOf>[0]);
  assert.equal(of('CN=attestd.ta-1.example'), 'ta-1.example');
  for (const other of ['CN=proxy.ta-1', 'CN=attestd.ta-1\nCN=kmxd.ta-2', 'O=x\nCN=attestd.ta-1', 'CN=attestd.'])
    assert.equal(of(other), undefined, other);
});
