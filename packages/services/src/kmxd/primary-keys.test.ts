import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { readKekHeader } from '@vouchsafe/domain/keys/kek';
import { Problem } from '@vouchsafe/domain/problem';
import { problem } from '@vouchsafe/domain/testing/problem';
import { defaultProvider, type Provider } from './configuration.ts';
import type { KeyPurpose, KeyState } from './key-state.ts';
import { PrimaryKeys, pollInterval, type StateChange } from './primary-keys.ts';
import { FakeSource } from './testing/fake-source.ts';

const down = new Problem('kmip.unreachable', 'no answer in time');
const provider: Provider = {
  ...defaultProvider,
  uses: [...defaultProvider.uses],
  trusted_certificates: [],
  id: '00000000-0000-4000-8000-000000000001',
  name: 'demo',
  servers: ['a', 'b'].map((name) => ({ name, address: { hostname: `${name}.example` } })),
  primary_keys: [{ uid: 'one', role: 'current' }],
};

let now = 0;
let source: FakeSource;
let keys: PrimaryKeys;
let changes: StateChange[] = [];
beforeEach(() => {
  [now, changes, source] = [1000, [], new FakeSource()];
  source.keys.set('one', createSecretKey(Buffer.alloc(32, 1)));
  keys = new PrimaryKeys(
    source,
    () => now,
    (change) => changes.push(change),
  );
});

const poll = async () => {
  now += pollInterval;
  await keys.poll([provider]);
};
/** What the key may be used for now. */
async function uses(of = provider): Promise<KeyPurpose[]> {
  const all = ['wrap', 'open', 'rewrap'] as const;
  const may = await Promise.all(all.map((purpose) => keys.get(of, 'one', purpose).catch(() => undefined)));
  return all.filter((_purpose, i) => may[i] !== undefined);
}

const everything: KeyPurpose[] = ['wrap', 'open', 'rewrap'];
const effects: readonly (readonly [state: KeyState, uses: KeyPurpose[]])[] = [
  ['Pre-Active', []],
  ['Active', everything],
  ['Deactivated', ['open', 'rewrap']],
  ['Compromised', ['rewrap']],
  ['Destroyed', []],
  ['Destroyed Compromised', []],
];

for (const [state, expected] of effects) {
  test(`a key that one of two servers calls ${state} serves for ${expected.join(', ') || 'nothing'}, and somebody is told`, async () => {
    await poll();
    assert.deepEqual(await uses(), everything);
    source.said.set('b/one', state);
    await poll();
    assert.deepEqual(await uses(), expected);
    assert.deepEqual(
      changes.map(({ to }) => to),
      state === 'Active' ? ['Active'] : ['Active', state],
    );
  });
}

test('a compromised key serves for nothing where the provider says so', async () => {
  source.say('one', 'Compromised');
  assert.deepEqual(await uses({ ...provider, deny_compromised: true }), []);
});

test('a server that is new to a key says nothing about it; one that had it and has it no more says that it was destroyed', async () => {
  source.said.set('b/one', 'Missing');
  await poll();
  assert.deepEqual(await uses(), everything);
  source.said.delete('b/one');
  await poll();
  source.said.set('b/one', 'Missing');
  await poll();
  assert.deepEqual([await uses(), keys.report(provider, 'one').state], [[], 'Destroyed']);
});

test('what a server said before it fell silent goes on counting', async () => {
  source.said.set('b/one', 'Compromised');
  await poll();
  source.said.set('b/one', down);
  await poll();
  assert.deepEqual(await uses(), ['rewrap']);
  assert.equal(keys.report(provider, 'one').servers[1]?.problem, down.message);
});

test('that counts also where two servers have one name', async () => {
  const words: Record<'first' | 'second', KeyState | undefined> = { first: 'Active', second: 'Compromised' };
  source.states = async () =>
    Object.values(words).map((state) => ({
      server: 'a',
      state,
      at: now,
      problem: state === undefined ? 'down' : undefined,
    }));
  await poll();
  assert.deepEqual(await uses(), ['rewrap']);
  words.second = undefined;
  await poll();
  assert.deepEqual(await uses(), ['rewrap']);
});

test('with no server answering keys serve for their time to live, and not a second longer', async () => {
  await poll();
  source.say('one', down);
  now += provider.key_ttl;
  assert.deepEqual(await uses(), everything);
  now += 1;
  assert.deepEqual(await uses(), []);
  await assert.rejects(keys.get(provider, 'one', 'open'), problem('kmip.unreachable', /a: no answer in time; b: /));
  source.said.clear();
  now += pollInterval;
  assert.deepEqual(await uses(), everything, 'and serve again when one answers');
});

test('a server that never had the key does not keep it alive when all that have it are cut off', async () => {
  source.said.set('b/one', 'Missing');
  await poll();
  source.said.set('a/one', down);
  now += provider.key_ttl;
  assert.deepEqual(await uses(), everything);
  now += pollInterval;
  await poll();
  assert.deepEqual(await uses(), []);
});

test('a key of servers that never answered is asked for, but not by every request', async () => {
  source.say('one', down);
  for (let i = 0; i < 10; i++) await assert.rejects(keys.get(provider, 'one', 'open'), problem('kmip.unreachable'));
  assert.deepEqual(source.asked, ['one']);
  now += pollInterval;
  await assert.rejects(keys.get(provider, 'one', 'open'), problem('kmip.unreachable'));
  assert.deepEqual(source.asked, ['one', 'one']);
});

test('many requests at once ask the key servers once', async () => {
  await Promise.all(Array.from({ length: 50 }, () => keys.get(provider, 'one', 'open')));
  assert.deepEqual(source.asked, ['one']);
});

test('an answer to a question from before the provider changed is not taken in', async () => {
  const asking = keys.poll([provider]);
  keys.forget(provider.id);
  await asking;
  assert.equal(keys.report(provider, 'one').state, undefined);
  assert.deepEqual(await uses(), everything, 'it is asked anew');
});

test('a key that cannot be fetched is told with its reason, and fetched with the next poll', async () => {
  source.say('one', 'Active');
  source.keys.delete('one');
  await assert.rejects(keys.get(provider, 'one', 'open'), problem('kmip.refused', /no object one/));
  source.keys.set('one', createSecretKey(Buffer.alloc(32, 1)));
  await poll();
  assert.deepEqual(await uses(), everything);
});

test('a key that nobody may use any more is not kept in memory', async () => {
  await poll();
  source.say('one', 'Destroyed');
  await poll();
  source.say('one', 'Active');
  source.keys.delete('one');
  await poll();
  await assert.rejects(keys.get(provider, 'one', 'open'), problem('kmip.refused'));
});

test('a key that stays on its server is never fetched, and obeys its state all the same', async () => {
  const stays: Provider = { ...provider, alg: 'A256GCMKW' };
  source.get = () => assert.fail('the key was asked for');
  await keys.poll([stays]);
  const key = await keys.test(stays, 'one');
  const ct = await key.wrap({ prv: stays.id, scp: 'east', iat: 1 }, new Uint8Array(32).fill(7));
  assert.equal(readKekHeader(ct).alg, 'A256GCMKW');
  assert.equal(await key.open(ct, ([first]) => first), 7);
  for (const [state, expected] of effects) {
    source.say('one', state);
    now += pollInterval;
    await keys.poll([stays]);
    assert.deepEqual(await uses(stays), expected, state);
  }
});

test('a server that gives back something else than it took makes no primary key', async () => {
  const stays: Provider = { ...provider, alg: 'A256GCMKW' };
  const honest = source.remote(stays, 'one');
  source.remote = () => ({ ...honest, decrypt: async () => Secret.take(new Uint8Array(32)) });
  await assert.rejects(keys.test(stays, 'one'), problem('release.refused'));
});
