import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { Problem } from '@vouchsafe/domain/problem';
import { problem } from '@vouchsafe/domain/testing/problem';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { defaultProvider, type Provider, ProviderConfiguration } from './configuration.ts';
import type { PrimaryKeyStep } from './primary-key-steps.ts';
import { PrimaryKeys } from './primary-keys.ts';
import { type MemberOutcome, type RotationStep, Rotations } from './rotations.ts';
import { FakeSource } from './testing/fake-source.ts';

const id = '00000000-0000-4000-8000-000000000001';
const demo: Provider = {
  ...defaultProvider,
  uses: [...defaultProvider.uses],
  trusted_certificates: [],
  id,
  name: 'demo',
  servers: [{ name: 'k', address: { hostname: 'k.example' } }],
  primary_keys: [{ uid: 'one', role: 'current' }],
};
const now = () => 1000;

/** A kmxd of the group with key servers of its own, which usually hold the same keys. */
class Member {
  readonly name: string;
  readonly part: TestPart = testPart();
  readonly source = new FakeSource();
  readonly providers: ProviderConfiguration;
  readonly keys: PrimaryKeys;
  /** Why it cannot be reached. */
  away: string | undefined;
  rotations: Rotations;

  constructor(name: string) {
    this.name = name;
    for (const [i, uid] of ['one', 'two', 'three'].entries())
      this.source.keys.set(uid, createSecretKey(Buffer.alloc(32, i + 1)));
    this.providers = new ProviderConfiguration(this.part.store);
    this.providers.put(demo);
    this.keys = new PrimaryKeys(this.source, now);
    this.rotations = this.restart();
  }

  /** As after a start of the process; with a step at which it dies. */
  restart(dies?: RotationStep): Rotations {
    const { providers, keys: primaryKeys, part } = this;
    this.rotations = new Rotations(
      {
        providers,
        primaryKeys,
        store: part.store,
        audit: part.audit,
        others: (of, step) => this.#others(of, step),
        now,
      },
      (reached) => {
        if (reached === dies) throw new Error('killed');
      },
    );
    return this.rotations;
  }

  get provider(): Provider {
    return this.providers.get(id);
  }

  get list(): string[] {
    return this.provider.primary_keys.map(({ uid, role }) => `${uid} ${role}`);
  }

  async make(): Promise<string> {
    return await (await this.keys.current(this.provider)).wrap(
      { prv: id, scp: 's', iat: 1 },
      new Uint8Array(32).fill(9),
    );
  }

  async opens(ct: string): Promise<boolean> {
    const { kid } = JSON.parse(Buffer.from(ct.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
    if (!this.provider.primary_keys.some(({ uid }) => uid === kid)) return false;
    return await (await this.keys.get(this.provider, kid, 'open')).open(ct, (kek) => kek[0] === 9);
  }

  #others(of: string, step: PrimaryKeyStep): Promise<MemberOutcome[]> {
    return Promise.all(
      members
        .filter((member) => member !== this)
        .map(async ({ name, away, rotations, providers }): Promise<MemberOutcome> => {
          if (away !== undefined) return { name, problem: away, kind: 'service.unreachable' };
          return await rotations.obey(providers.get(of), step).then(
            () => ({ name }),
            (error: Problem) => ({ name, problem: error.message, kind: error.kind }),
          );
        }),
    );
  }
}

let members: Member[] = [];
let [a, b, c]: Member[] = [];
const one = (member: Member | undefined) => member as Member;
beforeEach(() => {
  members = ['ta1', 'ta2', 'ta3'].map((name) => new Member(name));
  [a, b, c] = members;
});
afterEach(() => Promise.all(members.map(({ part }) => part.close())));

/** What any member makes every member opens: the promise of a rotation. */
async function allOpen(made: readonly string[]): Promise<void> {
  const cts = [...made, ...(await Promise.all(members.map((member) => member.make())))];
  for (const member of members)
    for (const ct of cts) assert.ok(await member.opens(ct), `${member.name} with ${member.list.join(', ')}`);
}
const rotate = (member: Member | undefined, uid: string) => one(member).rotations.rotate(one(member).provider, uid);

test('all members get to know the key, then all wrap with it, and what was wrapped before goes on opening', async () => {
  const before = await one(b).make();
  const report = await rotate(a, 'two');
  assert.deepEqual(report, { uid: 'two', phase: 'done', members: [{ name: 'ta2' }, { name: 'ta3' }] });
  for (const member of members) assert.deepEqual(member.list, ['one old', 'two current']);
  await allOpen([before]);
  assert.equal((await rotate(b, 'three')).phase, 'done');
  assert.equal((await rotate(c, 'one')).phase, 'done', 'and back again');
  for (const member of members) assert.deepEqual(member.list.toSorted(), ['one current', 'three old', 'two old']);
  await allOpen([before]);
});

test('nobody wraps with a key that one member cannot open with; that one is named, and it goes on by itself', async () => {
  one(c).away = 'no answer';
  const report = await rotate(a, 'two');
  assert.deepEqual(
    [report.phase, report.members[1]],
    ['prepare', { name: 'ta3', problem: 'no answer', kind: 'service.unreachable' }],
  );
  for (const member of members) assert.ok(member.list.includes('one current'));
  await allOpen([]);
  one(c).away = undefined;
  await one(a).rotations.resume();
  assert.equal(one(a).rotations.report(one(a).provider)?.phase, 'done');
  for (const member of members) assert.deepEqual(member.list, ['one old', 'two current']);
});

test('a member whose key servers have another key under the name stops the rotation', async () => {
  one(c).source.keys.set('two', createSecretKey(Buffer.alloc(32, 99)));
  const report = await rotate(a, 'two');
  assert.equal(report.phase, 'prepare');
  assert.match(report.members[1]?.problem ?? '', /another key here/);
  await allOpen([]);
});

test('a member that misses the switch goes on with the old key, opens what the others make, and switches later', async () => {
  const { rotations } = one(a);
  one(a).restart('switched');
  await assert.rejects(rotate(a, 'two'), /killed/);
  assert.deepEqual(
    [one(a).list, one(b).list],
    [
      ['one old', 'two current'],
      ['one current', 'two next'],
    ],
  );
  await allOpen([]);
  one(a).rotations = rotations;
  one(c).away = 'no answer';
  await rotations.resume();
  assert.equal(rotations.report(one(a).provider)?.phase, 'switch');
  one(c).away = undefined;
  await rotations.resume();
  assert.deepEqual(one(c).list, ['one old', 'two current']);
});

for (const step of ['tested', 'next', 'prepared', 'switched', 'done'] as const) {
  test(`killed behind "${step}": everything opens, and the next start ends the rotation`, async () => {
    const made = [await one(a).make()];
    one(a).restart(step);
    await assert.rejects(rotate(a, 'two'), /killed/);
    await allOpen(made);
    one(a).restart();
    await one(a).rotations.resume();
    await allOpen(made);
    const expected = step === 'tested' ? ['one current'] : ['one old', 'two current'];
    for (const member of members) assert.deepEqual(member.list, expected);
    assert.deepEqual(one(a).part.store.listState('rotations'), []);
  });
}

test('a key that cannot be used here changes nothing', async () => {
  one(a).source.say('two', 'Pre-Active');
  await assert.rejects(rotate(a, 'two'), problem('kmip.key-unusable', /Pre-Active/));
  await assert.rejects(rotate(a, 'nothing'), problem('kmip.key-unusable', /Missing/));
  for (const member of members) assert.deepEqual(member.list, ['one current']);
});

test('one rotation at a time, also from two members; one that has not switched is cancelled', async () => {
  one(c).away = 'no answer';
  await rotate(a, 'two');
  await assert.rejects(rotate(a, 'three'), problem('object.in-use', /two is under way/));
  await assert.rejects(rotate(b, 'three'), problem('object.in-use', /two is under way/));
  one(c).away = undefined;
  await one(a).rotations.drop(one(a).provider, 'two', false);
  for (const member of members) assert.deepEqual(member.list, ['one current']);
  await one(a).rotations.resume();
  assert.deepEqual(one(a).list, ['one current'], 'it does not come back');
});

test('an old key goes only by force, the current one never, and one that a member wraps with cannot be cancelled', async () => {
  await rotate(a, 'two');
  const drop = (uid: string, force: boolean) => one(a).rotations.drop(one(a).provider, uid, force);
  await assert.rejects(drop('one', false), problem('object.in-use', /never be opened again/));
  await assert.rejects(drop('two', true), problem('object.in-use', /current/));
  assert.deepEqual(await drop('one', true), [{ name: 'ta2' }, { name: 'ta3' }]);
  for (const member of members) assert.deepEqual(member.list, ['two current']);
  one(c).away = 'no answer';
  await rotate(a, 'three');
  one(c).away = undefined;
  await one(b).rotations.obey(one(b).provider, { uid: 'three', role: 'current' });
  await assert.rejects(drop('three', false), problem('object.in-use', /wraps with three already/));
  assert.ok(one(a).list.includes('three next'), 'it goes on opening what that member makes');
});

test('a step that cannot be recorded is not taken', async () => {
  one(a).part.full = true;
  await assert.rejects(rotate(a, 'two'), /no space left/);
  assert.deepEqual([one(a).list, one(a).part.store.listState('rotations')], [['one current'], []]);
});

test('a cancelled rotation back to an old key leaves that key old: what it wrapped goes on opening', async () => {
  const before = await one(b).make();
  assert.equal((await rotate(a, 'two')).phase, 'done');
  one(c).away = 'no answer';
  assert.equal((await rotate(a, 'one')).phase, 'prepare');
  one(c).away = undefined;
  await one(a).rotations.drop(one(a).provider, 'one', false);
  for (const member of members) assert.ok(member.list.includes('one old'), `${member.name}: ${member.list.join(', ')}`);
  await allOpen([before]);
  assert.equal((await rotate(b, 'three')).phase, 'done', 'nothing stands in the way of the next rotation');
});

test('no rotation begins while a member does not yet wrap with the key of the one before', async () => {
  const { rotations } = one(c);
  const obey = rotations.obey.bind(rotations);
  rotations.obey = async (provider, step) => {
    if (step.role === 'current') throw new Problem('service.unreachable', 'no answer');
    await obey(provider, step);
  };
  assert.equal((await rotate(a, 'two')).phase, 'switch');
  await assert.rejects(rotate(a, 'three'), problem('object.in-use', /two/));
  rotations.obey = obey;
  await one(a).rotations.resume();
  for (const member of members) assert.deepEqual(member.list, ['one old', 'two current']);
  assert.equal((await rotate(a, 'three')).phase, 'done');
  await allOpen([]);
});

test('a rotation whose last answer was lost does not undo the one that another member made after it', async () => {
  const { rotations } = one(c);
  const obey = rotations.obey.bind(rotations);
  rotations.obey = async (provider, step) => {
    await obey(provider, step);
    if (step.role === 'current' && step.uid === 'two') throw new Problem('service.unreachable', 'the answer was lost');
  };
  assert.equal((await rotate(a, 'two')).phase, 'switch');
  rotations.obey = obey;
  assert.equal((await rotate(b, 'three')).phase, 'done');
  await one(a).rotations.resume();
  for (const member of members) assert.ok(member.list.includes('three current'), member.list.join(', '));
  assert.equal((await rotate(a, 'one')).phase, 'done', 'nothing of it is left');
  await allOpen([]);
});
