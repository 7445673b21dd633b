import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { AllowList } from '@vouchsafe/domain/attestation/ima/allow-list';
import { problem } from '@vouchsafe/domain/testing/problem';
import type { HttpClient } from '../../http/client.ts';
import { routesOf } from '../../management/operation.ts';
import { assertCovered, type Call, play } from '../../management/testing/calls.ts';
import { type TestPart, testPart } from '../../management/testing/part.ts';
import { AttestationConfiguration } from '../configuration.ts';
import { imaLists } from './ima-lists.ts';
import { imaPolicy } from './ima-policy.ts';

const time = new Date('2026-06-01T00:00:00.000Z');
const lists = '/attestation/ima/lists';
const policy = '/attestation/ima/policy';
const about = { name: 'base', source: 'packages', created: time.toISOString() };
const line = (path: string) => `${'ab'.repeat(32)}  ${path}\n`;
const entries = line('/usr/bin/a') + line('/usr/bin/b');
const list = { v: 1 as const, ...about, entries: line('/usr/bin/b') + entries };
const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex');
const summary = { ...about, files: 2, sha256: sha256Of(entries), images: [] };
const defaults = { excludes: [], keys: [], violations: 'by-path', kexec: 'fail', buffers: 'warn' };
const excludes = ['/var/log/**'];

const calls: Call[] = [
  { call: ['GET', lists], gives: [] },
  { call: ['POST', lists, { list }], gives: summary },
  { call: ['POST', lists, { list }], fails: 'object.exists' },
  { call: ['POST', lists, { list: { ...list, name: 'x', entries: 'x' } }], fails: 'input.malformed', naming: /line 1/ },
  { call: ['POST', lists, { list: { ...list, name: 'x', entries: '' } }], fails: 'input.invalid', naming: /no files/ },
  { call: ['POST', lists, { list: { ...list, name: '../x' } }], fails: 'input.invalid', naming: /name/ },
  { call: ['POST', lists, { list: { ...list, name: 'other' }, replace: true }], fails: 'object.unknown' },
  { call: ['GET', lists], gives: [summary] },
  { call: ['GET', `${lists}/base`], gives: { ...summary, list: { v: 1, ...about, entries } } },
  {
    call: ['POST', lists, { list: { ...list, entries: line('/usr/bin/a') }, replace: true }],
    gives: { ...summary, files: 1, sha256: sha256Of(line('/usr/bin/a')) },
  },
  { call: ['GET', `${lists}/none`], fails: 'object.unknown' },
  { call: ['DELETE', `${lists}/base`], gives: undefined },
  { call: ['DELETE', `${lists}/base`], fails: 'object.unknown' },

  { call: ['GET', policy], gives: defaults },
  { call: ['PATCH', policy, { excludes }], gives: { ...defaults, excludes } },
  { call: ['PATCH', policy, { violations: 'warn' }], gives: { ...defaults, excludes, violations: 'warn' } },
  { call: ['PATCH', policy, { excludes: ['/**'] }], fails: 'input.invalid', naming: /excludes\[0\].*everything/ },
  { call: ['PATCH', policy, { excludes: ['/usr/**'] }], fails: 'input.invalid', naming: /programs/ },
  { call: ['PATCH', policy, { keys: ['no key'] }], fails: 'input.malformed', naming: /keys\[0\]/ },
  { call: ['PATCH', policy, { violations: 'ignore' }], fails: 'input.invalid', naming: /violations/ },
  { call: ['GET', policy], gives: { ...defaults, excludes, violations: 'warn' } },
];

let part: TestPart;
let configuration: AttestationConfiguration;
let client: HttpClient;
const operations = () => {
  const context = { configuration, store: part.store, audit: part.audit };
  return [...imaLists(context), ...imaPolicy(context)];
};

beforeEach(async () => {
  part = testPart();
  configuration = new AttestationConfiguration(part.store);
  client = await part.serve(routesOf(operations()));
});
afterEach(() => part.close());

test('lists and policy of IMA: every operation does what it says, and names what is wrong', async () => {
  await play(client, calls);
  assertCovered(operations(), calls);
  const accepted = calls.filter(({ call, fails }) => call[0] !== 'GET' && fails === undefined);
  assert.equal(part.records.length, accepted.length, 'each change is recorded, and nothing else');
  assert.equal(configuration.epoch(), 4, 'list replaced, list deleted, policy changed twice');
  await client.call('PATCH', policy, { excludes });
  assert.equal(configuration.epoch(), 4, 'what is written again as it is takes no trust away');
});

test('a change of IMA that cannot be recorded is not made', async () => {
  await client.call('POST', lists, { list });
  part.full = true;
  const before = part.store.raw();
  await play(client, [
    { call: ['POST', lists, { list: { ...list, name: 'other' } }], fails: 'internal' },
    { call: ['POST', lists, { list: { ...list, entries: line('/x') }, replace: true }], fails: 'internal' },
    { call: ['DELETE', `${lists}/base`], fails: 'internal' },
    { call: ['PATCH', policy, { excludes }], fails: 'internal' },
  ]);
  assert.deepEqual(part.store.raw(), before);
  assert.deepEqual(
    configuration.ima.allowLists().map(({ name, size }) => [name, size]),
    [['base', 2]],
  );
});

test('lists are made ready once, and anew after they changed', async () => {
  await client.call('POST', lists, { list });
  const [first] = configuration.ima.allowLists();
  configuration.setSettings({ ...configuration.settings() });
  assert.equal(configuration.ima.allowLists()[0], first);
  assert.ok(first instanceof AllowList);
  await client.call('POST', lists, { list: { ...list, entries: line('/x') }, replace: true });
  assert.equal(configuration.ima.allowLists()[0]?.size, 1);
});

test('a configuration with a list or a policy that could not be read is not taken over', () => {
  const replacing = (collection: string, name: string, body: unknown) => () =>
    configuration.takeOver({ generation: 9, documents: [{ collection, name, body }] });
  assert.throws(replacing('ima-lists', 'base', { ...list, entries: 'x' }), problem('input.malformed'));
  assert.throws(replacing('ima-lists', 'other', { ...list, entries }), problem('input.invalid'));
  assert.throws(replacing('ima-settings', 'settings', { ...defaults, excludes: ['/**'] }), problem('input.invalid'));
  replacing('ima-lists', 'base', { ...list, entries })();
  assert.equal(configuration.ima.allowLists().length, 1);
});
