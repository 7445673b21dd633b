import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { knownFirmware } from '@vouchsafe/domain/attestation/known-firmware';
import { problem } from '@vouchsafe/domain/testing/problem';
import type { HttpClient } from '../../http/client.ts';
import { routesOf } from '../../management/operation.ts';
import { assertCovered, type Call, play } from '../../management/testing/calls.ts';
import { type TestPart, testPart } from '../../management/testing/part.ts';
import { BootHistories } from '../boot-histories.ts';
import { AttestationConfiguration } from '../configuration.ts';
import type { TrustChange } from '../trust-reports.ts';
import { registry } from './registry.ts';

const time = new Date('2026-06-01T00:00:00.000Z');
const [ek, other, third, fourth] = ['ab', 'cd', 'ce', 'cf'].map((byte) => byte.repeat(32)) as [
  string,
  string,
  string,
  string,
];

let part: TestPart;
let configuration: AttestationConfiguration;
let client: HttpClient;
/** What the group is told of, and whether it takes it. */
let told: TrustChange[];
let deaf: boolean;
const operations = () => {
  const boots = new BootHistories(part.store);
  return registry({ configuration, boots, store: part.store, audit: part.audit, now: () => time });
};

beforeEach(async () => {
  part = testPart();
  [told, deaf] = [[], false];
  configuration = new AttestationConfiguration(part.store, (change) => {
    if (deaf) throw new Error('it cannot be written down');
    told.push(change);
  });
  client = await part.serve(routesOf(operations()));
});
afterEach(() => part.close());

const eks = '/attestation/tpm2/endorsement-keys';
const hosts = '/attestation/hosts';
const approvals = `${eks}/approvals`;
const record = {
  ek,
  name: 'host-1',
  scope: 'cluster-a',
  state: 'approved' as const,
  tpm: 'listed' as const,
  enrolled: 'approved' as const,
  by: 'local-root',
  since: time.toISOString(),
};
const waiting = { ek: fourth, tpm: 'hardware' as const, image: 'golden', since: time.toISOString() };
/** A row for a key that only its hash was told of. */
const listed = (of: string, name: string) => ({ ...record, ek: of, name });
const swapped = (of: string) => ({ ...listed(of, 'host-2'), state: 'revoked', reason: 'its TPM was replaced' });
const host = (name: string, ...endorsement_keys: object[]) => ({
  name,
  scope: 'cluster-a',
  state: 'approved',
  tpm: 'listed',
  enrolled: 'approved',
  endorsement_keys,
});
const inventory = [
  { name: 'a', scope: 'cluster-a', ek: other },
  { name: 'a', ek: third },
];

const calls: Call[] = [
  // One key, one name; a second key under a name only on somebody's word.
  { call: ['POST', eks, { name: 'host-1', scope: 'cluster-a', ek: other }], gives: listed(other, 'host-1') },
  { call: ['POST', eks, { name: 'host-9', ek: other }], fails: 'object.exists', naming: /is host host-1.*rename/ },
  { call: ['POST', eks, { name: 'HOST-1', ek: third }], fails: 'object.exists', naming: /case only/ },
  { call: ['POST', eks, { name: 'host-1', ek: third }], fails: 'object.exists', naming: /nothing shows.*replace-tpm/ },
  {
    call: ['POST', eks, { name: 'host-1', ek: third, link: true, scope: 'cluster-b' }],
    fails: 'input.invalid',
    naming: /scope.*host move/,
  },
  { call: ['POST', eks, { ek: third }], fails: 'input.invalid', naming: /name/ },
  { call: ['POST', eks, { ek: third, name: 'x', scope: '../y' }], fails: 'input.invalid', naming: /scope/ },
  { call: ['POST', eks, { ek: third, name: 'ho\u0455t' }], fails: 'input.invalid', naming: /name.*U\+0455/ },
  { call: ['POST', eks, { ek: third, name: 'a'.repeat(10_240) }], fails: 'input.invalid', naming: /name.*10240/ },
  { call: ['POST', eks, { name: 'host-1', ek: third, link: true }], gives: listed(third, 'host-1') },
  { call: ['GET', hosts], gives: [host('host-1', listed(other, 'host-1'), listed(third, 'host-1'))] },
  { call: ['GET', `${hosts}/host-1`], gives: host('host-1', listed(other, 'host-1'), listed(third, 'host-1')) },
  { call: ['GET', `${hosts}/none`], fails: 'object.unknown' },
  { call: ['PATCH', `${hosts}/none`, { name: 'x' }], fails: 'object.unknown' },
  { call: ['PATCH', `${hosts}/host-1`, { name: '-' }], fails: 'input.invalid', naming: /name/ },
  { call: ['PATCH', `${hosts}/host-1`, { state: 'revoked' }], fails: 'input.invalid', naming: /state/ },
  {
    call: ['PATCH', `${hosts}/host-1`, { name: 'host-2' }],
    gives: host('host-2', listed(other, 'host-2'), listed(third, 'host-2')),
  },
  { call: ['POST', `${hosts}/host-2/replace-tpm`, { ek: third }], fails: 'object.exists', naming: /is host host-2/ },
  { call: ['POST', `${hosts}/host-2/replace-tpm`, {}], fails: 'input.invalid', naming: /exactly one/ },
  { call: ['POST', `${hosts}/none/replace-tpm`, { ek }], fails: 'object.unknown' },
  {
    call: ['POST', `${hosts}/host-2/replace-tpm`, { ek }],
    gives: {
      ...host('host-2', listed(ek, 'host-2'), swapped(other), swapped(third)),
      revoked: [other, third],
      epoch: 1,
    },
  },
  { call: ['POST', eks, { name: 'host-2', ek: other }], fails: 'object.exists', naming: /revoked/ },
  { call: ['POST', `${hosts}/none/revoke`, {}], fails: 'object.unknown' },
  { call: ['POST', `${hosts}/host-2/revoke`], fails: 'input.invalid' },
  {
    call: ['POST', `${hosts}/host-2/revoke`, { reason: 'stolen' }],
    gives: {
      ...host(
        'host-2',
        { ...listed(ek, 'host-2'), state: 'revoked', reason: 'stolen' },
        swapped(other),
        swapped(third),
      ),
      state: 'revoked',
      revoked: [ek, other, third],
      epoch: 2,
    },
  },
  { call: ['POST', eks, { name: 'host-2', ek: fourth }], fails: 'object.exists', naming: /replace-tpm host-2/ },
  { call: ['DELETE', `${eks}/${ek}`], gives: undefined },
  { call: ['DELETE', `${eks}/${other}`], gives: undefined },
  { call: ['DELETE', `${eks}/${third}`], gives: undefined },

  // Lists: all or nothing.
  { call: ['POST', approvals, {}], fails: 'input.invalid', naming: /entries/ },
  { call: ['POST', approvals, { entries: [] }], fails: 'input.invalid', naming: /entries/ },
  {
    call: [
      'POST',
      approvals,
      {
        entries: [
          { name: 'a', ek: other },
          { name: '../b', ek: third },
          { name: 'c', ek: other },
          { name: 'd', public_key: 'none' },
        ],
      },
    ],
    fails: 'input.invalid',
    naming:
      /entries\[1\]: name.*entries\[2\]: the same endorsement key stands in entry 0.*entries\[3\]: public_key.*nothing/,
  },
  { call: ['GET', eks], gives: [] },
  {
    call: ['POST', approvals, { entries: inventory, dry_run: true }],
    gives: { dry_run: true, approved: [listed(other, 'a'), listed(third, 'a')], unchanged: 0 },
  },
  { call: ['GET', eks], gives: [] },
  {
    call: ['POST', approvals, { entries: inventory }],
    gives: { dry_run: false, approved: [listed(other, 'a'), listed(third, 'a')], unchanged: 0 },
  },
  { call: ['POST', approvals, { entries: inventory }], gives: { dry_run: false, approved: [], unchanged: 2 } },
  { call: ['DELETE', `${eks}/${other}`], gives: undefined },
  { call: ['DELETE', `${eks}/${third}`], gives: undefined },
  { call: ['DELETE', `${eks}/pending/${ek}`], fails: 'object.unknown', naming: /pending/ },
];

const block = {
  name: 'one',
  manufacturer: 'IFX',
  versions: [{ from: '7.0', below: '7.62' }],
  severity: 'fail',
  reason: 'why',
};
const blocklist = '/attestation/tpm2/firmware-blocklist';
const blockCalls: Call[] = [
  { call: ['GET', blocklist], gives: [] },
  { call: ['POST', blocklist, block], gives: block },
  { call: ['POST', blocklist, { ...block, severity: 'info' }], fails: 'input.invalid', naming: /severity/ },
  {
    call: ['POST', blocklist, { ...block, versions: [{ from: '8.0', below: '7.0' }] }],
    fails: 'input.invalid',
    naming: /versions\.0.*not before/,
  },
  { call: ['POST', `${blocklist}/import`, { entries: [block, {}] }], fails: 'input.invalid', naming: /name/ },
  { call: ['POST', `${blocklist}/import`, { entries: [] }], fails: 'input.invalid', naming: /entries/ },
  {
    call: ['POST', `${blocklist}/import`, { entries: [{ ...block, name: 'two' }] }],
    gives: [{ ...block, name: 'two' }],
  },
  { call: ['GET', blocklist], gives: [block, { ...block, name: 'two' }] },
  { call: ['DELETE', `${blocklist}/two`], gives: undefined },
  { call: ['DELETE', `${blocklist}/two`], fails: 'object.unknown' },
  { call: ['POST', `${blocklist}/import`, {}], gives: JSON.parse(JSON.stringify(knownFirmware)) },
];

test('the firmware blocklist: entries, files, and what comes with the program', async () => {
  await play(client, blockCalls);
  assertCovered(
    operations().filter(({ name }) => name.includes('firmware')),
    blockCalls,
  );
  assert.deepEqual(
    told,
    [{ raise: true }, { raise: true }, { raise: true }],
    'what refuses makes all hosts attest again',
  );
  const raw = part.store.raw();
  const documents = [...raw.documents, { collection: 'tpm2/firmware-blocklist', name: 'three', body: block }];
  const replacement = { generation: raw.generation + 1, documents: [...documents] };
  assert.throws(() => configuration.takeOver(replacement), problem('input.invalid', /firmware-blocklist\/three/));
});

test('every operation on hosts does what it says, and names what is wrong', async () => {
  configuration.registry.addPending(waiting);
  const pending: Call[] = [
    { call: ['GET', `${eks}/pending`], gives: [waiting] },
    { call: ['DELETE', `${eks}/pending/${ek}`], fails: 'object.unknown', naming: /pending/ },
    { call: ['DELETE', `${eks}/pending/${fourth}`], gives: undefined },
    { call: ['GET', `${eks}/pending`], gives: [] },
  ];
  await play(client, pending);
  await play(client, calls);
  // The others: operations.test.ts.
  const own = operations().filter(({ name }) => /hosts\.|endorsement-keys\.(?:approve|dismiss|pending)/.test(name));
  assert.equal(own.length, 8);
  assertCovered(own, [...pending, ...calls]);
});

test('each change of hosts is recorded once, one of many hosts once for each', async () => {
  await play(client, calls);
  assert.deepEqual(
    part.records.map(({ action }) => action),
    [
      ...['host.approve', 'host.approve', 'host.change', 'host.replace-tpm', 'host.revoke'],
      ...['host.revoke', 'host.revoke', 'host.revoke', 'host.approve', 'host.approve', 'host.revoke', 'host.revoke'],
    ],
  );
});

test('a change of many hosts that cannot be recorded is not made', async () => {
  await play(client, calls.slice(0, 1));
  const before = part.store.raw();
  part.full = true;
  await play(client, [
    { call: ['POST', approvals, { entries: [{ name: 'b', ek: third }] }], fails: 'internal' },
    { call: ['PATCH', `${hosts}/host-1`, { name: 'host-2' }], fails: 'internal' },
    { call: ['POST', `${hosts}/host-1/revoke`, {}], fails: 'internal' },
    { call: ['POST', `${hosts}/host-1/replace-tpm`, { ek: third }], fails: 'internal' },
  ]);
  assert.deepEqual(part.store.raw(), before);
});

test('the group is told of revoked, removed and moved keys, and of an approval, not of another name', async () => {
  const change = async (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) => {
    await client.call(method, path, body);
    return told.splice(0);
  };
  const [sub, second] = [`ek:${ek}`, `ek:${other}`];
  assert.deepEqual(await change('POST', eks, { name: 'a', ek }), [{ lift: sub }]);
  assert.deepEqual(await change('POST', eks, { name: 'a', ek }), [], 'it is approved already');
  assert.deepEqual(await change('PATCH', `${hosts}/a`, { name: 'b' }), []);
  assert.deepEqual(await change('PATCH', `${hosts}/b`, { scope: 'elsewhere' }), [{ deny: sub }, { lift: sub }]);
  assert.deepEqual(await change('POST', `${hosts}/b/replace-tpm`, { ek: other }), [{ deny: sub }, { lift: second }]);
  assert.deepEqual(await change('POST', `${hosts}/b/revoke`, {}), [{ deny: sub }, { deny: second }]);
  assert.deepEqual(await change('DELETE', `${eks}/${ek}`), [{ deny: sub }]);
  assert.equal(configuration.epoch(), 4);
});

test('a change that the group cannot take in is not made', async () => {
  await client.call('POST', eks, { name: 'a', ek });
  deaf = true;
  await play(client, [{ call: ['POST', `${hosts}/a/revoke`, {}], fails: 'internal' }]);
  assert.equal(configuration.host(ek)?.state, 'approved');
});

test('of many that approve one key, or one name, at once, one does', async () => {
  const ask = (body: object) =>
    client.call('POST', eks, body).then(
      () => 1,
      () => 0,
    );
  const names = await Promise.all(Array.from({ length: 8 }, (_, i) => ask({ name: `host-${i}`, ek })));
  assert.equal(
    names.reduce((a, b) => a + b, 0),
    1,
  );
  const keys = Array.from({ length: 8 }, (_, i) => ask({ name: 'one', ek: `0${i}`.repeat(32) }));
  assert.equal(
    (await Promise.all(keys)).reduce((a, b) => a + b, 0),
    1,
  );
  assert.equal(configuration.hosts().length, 2);
});

test('a list of ten thousand hosts is approved in one go', async () => {
  const entries = Array.from({ length: 10_000 }, (_, i) => ({
    name: `host-${i}`,
    ek: i.toString(16).padStart(64, '0'),
  }));
  const { body } = await client.call('POST', approvals, { entries });
  assert.equal((body as { approved: unknown[] }).approved.length, 10_000);
  assert.equal(part.records.length, 10_000);
  await play(client, [
    { call: ['POST', approvals, { entries: [...entries, entries[0]] }], fails: 'input.invalid', naming: /entries/ },
  ]);
});

test('the list of those that wait has an end, and forgets nobody who is on it', () => {
  const { registry: list } = configuration;
  part.store.together(() => {
    for (let i = 0; i < 10_000; i++) list.addPending({ ...waiting, ek: i.toString(16).padStart(64, '0') });
  });
  assert.ok(list.pendingIsFull());
  assert.equal(list.addPending({ ...waiting, ek }), false);
  assert.equal(list.pendingOf(ek), undefined);
  const first = '0'.repeat(64);
  assert.equal(list.addPending({ ...waiting, ek: first, image: undefined }), false, 'it is no new one');
  assert.equal(list.pendingOf(first)?.image, undefined, 'but what it boots is kept up to date');
  list.dropPending(first);
  assert.equal(list.addPending({ ...waiting, ek }), true);
});

test('documents without the newer fields are read', () => {
  configuration.putHost(record);
  assert.deepEqual(configuration.host(ek), record);
});
