import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { defaultTpmSettings } from '@vouchsafe/domain/attestation/policy';
import { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import type { GroupChange } from '@vouchsafe/domain/group/group-state';
import { Problem } from '@vouchsafe/domain/problem';
import { problem } from '@vouchsafe/domain/testing/problem';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { AttestationConfiguration } from './configuration.ts';
import { TrustReports } from './trust-reports.ts';

const ek = 'ab'.repeat(32);
const sub = `ek:${ek}`;
const approved = {
  ek,
  name: 'host-1',
  scope: 'default',
  state: 'approved',
  tpm: 'hardware',
  enrolled: 'approved',
  by: 'test',
  since: '2026-01-01T00:00:00Z',
} as const;

let part: TestPart;
let standing: GroupStanding;
let reports: TrustReports;
let configuration: AttestationConfiguration;
let delivered: GroupChange[];
let down = false;
/** Whether there is no room for the first host. */
let full = false;

const start = () => {
  const report = (change: GroupChange) => {
    if (down) return Promise.reject(new Problem('host.not-ready', 'down'));
    if (full && sub in (change.deny ?? {})) return Promise.reject(new Problem('denials.full', 'full'));
    delivered.push(change);
    return Promise.resolve();
  };
  reports = new TrustReports({ store: part.store, standing, report, now: () => 1000 });
  configuration = new AttestationConfiguration(part.store, reports.take);
};

beforeEach(() => {
  part = testPart();
  [standing, delivered, down, full] = [new GroupStanding(), [], false, false];
  start();
});
afterEach(async () => {
  await reports.close();
  await part.close();
});

test('a host that is revoked or deleted is denied for the group, and approving it again lifts that', async () => {
  configuration.putHost(approved);
  await reports.flush();
  assert.deepEqual(delivered, [], 'a first approval takes nothing away');
  configuration.putHost({ ...approved, state: 'revoked' });
  await reports.flush();
  assert.deepEqual(delivered, [{ deny: { [sub]: 1000 } }]);
  configuration.deleteHost(ek);
  configuration.putHost(approved);
  await reports.flush();
  assert.ok(!standing.isDenied(sub));
  configuration.deleteHost(ek);
  configuration.putHost(approved);
  configuration.deleteHost(ek);
  await reports.flush();
  assert.ok(standing.isDenied(sub), 'also when all of it waits: the last one counts');
});

test('a change and its report are there together or not at all, and survive a crash', async () => {
  configuration.putHost(approved);
  down = true;
  part.full = true;
  assert.throws(() =>
    part.store.together(() => {
      configuration.putHost({ ...approved, state: 'revoked' });
      part.audit();
    }),
  );
  assert.equal(reports.waiting, 0, 'a revocation that could not be recorded is not reported');
  configuration.putHost({ ...approved, state: 'revoked' });
  await assert.rejects(reports.flush(), problem('host.not-ready'));
  assert.ok(standing.isDenied(sub), 'here it holds at once');
  await reports.close();
  [standing, down] = [new GroupStanding(), false];
  start();
  await reports.flush();
  assert.deepEqual([delivered, reports.waiting], [[{ deny: { [sub]: 1000 } }], 0]);
});

test('settings that ask for more raise the epoch, those that ask for less do not', async () => {
  const changes = [
    [{ require_endorsement_keys: true }, 1],
    [{ require_endorsement_keys: false }, 1],
    [{ enrolment: 'auto' }, 1],
    [{ enrolment: 'approve' }, 2],
    [{ virtual_tpm_scopes: ['a', 'b'] }, 2],
    [{ virtual_tpm_scopes: ['b'] }, 3],
  ] as const;
  for (const [change, epoch] of changes) {
    configuration.setSettings({ ...configuration.settings(), ...change } as typeof defaultTpmSettings);
    await reports.flush();
    assert.deepEqual([standing.epoch, standing.minEpoch], [epoch, epoch], JSON.stringify(change));
  }
});

test('a configuration that is taken over denies and raises, and lifts nothing', async () => {
  configuration.putHost(approved);
  configuration.setSettings({ ...defaultTpmSettings, virtual_tpm_scopes: ['lab'] });
  const { generation, documents } = part.store.raw();
  const hosts = (state: string) =>
    documents.map((each) => (each.name === ek ? { ...each, body: { ...approved, state } } : each));
  configuration.takeOver({ generation: generation + 1, documents: hosts('revoked') });
  await reports.flush();
  assert.ok(standing.isDenied(sub));
  assert.equal(standing.epoch, 0);
  configuration.takeOver({ generation: generation + 2, documents: hosts('approved') });
  await reports.flush();
  assert.ok(standing.isDenied(sub), 'an old copy does not bring a revoked host back');
  configuration.takeOver({ generation: generation + 3, documents: [] });
  await reports.flush();
  assert.equal(standing.epoch, 1, 'a scope for virtual TPMs is gone');
});

test('a denial that finds no room holds up no other', async () => {
  const other = { ...approved, ek: 'cd'.repeat(32), name: 'host-2' };
  configuration.putHost(approved);
  configuration.putHost(other);
  await reports.flush();
  full = true;
  configuration.putHost({ ...approved, state: 'revoked' });
  configuration.putHost({ ...other, state: 'revoked' });
  await assert.rejects(reports.flush(), problem('denials.full'));
  assert.deepEqual(delivered, [{ deny: { [`ek:${other.ek}`]: 1000 } }]);
  assert.ok(standing.isDenied(sub), 'here it holds all the same');
  assert.equal(reports.waiting, 1);
  full = false;
  await reports.flush();
  assert.equal(reports.waiting, 0);
});
