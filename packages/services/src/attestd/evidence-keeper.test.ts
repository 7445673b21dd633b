import assert from 'node:assert/strict';
import { chmodSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { unpackBundle } from '@vouchsafe/domain/attestation/bundle/bundle-file';
import { verifyBundle } from '@vouchsafe/domain/attestation/bundle/verify-bundle';
import { groupOf } from '@vouchsafe/domain/group/group';
import { type TestGroup, testGroup, testTime } from '@vouchsafe/domain/testing/group';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { AttestationConfiguration } from './configuration.ts';
import { givenVerdict, testKeeper } from './testing/test-keeper.ts';

let ours: TestGroup;
let part: TestPart;
let configuration: AttestationConfiguration;
const minute = (n: number) => ({ now: testTime + 60 * n });
const policy = () => configuration.policy(ours.group);
const keeper = async () =>
  testKeeper(part.folder, configuration, {
    group: ours.group,
    caPem: ours.authority.certificatePem,
    signer: await ours.inRole('attestd'),
  });

beforeEach(async () => {
  ours = await testGroup();
  part = testPart();
  configuration = new AttestationConfiguration(part.store);
});
afterEach(() => part.close());

/** A refusal that proved which TPM it came from. */
function proven(n: number, change: Parameters<typeof givenVerdict>[1] = {}) {
  const given = givenVerdict(policy(), { ...minute(n), ...change });
  given.appraised.appraisal.prove('claims', {} as never);
  given.appraised.appraisal.prove('tpm', 'hardware');
  return given;
}

const accepted = (n: number) => {
  const given = proven(n);
  given.appraised = { ...given.appraised, trusted: true, findings: [] };
  return given;
};

test('the settings say what is kept: nothing, refusals, or all', async () => {
  const evidence = await keeper();
  for (const [keep, expected] of [
    ['none', []],
    ['refused', ['refused']],
    ['all', ['trusted', 'refused', 'refused']],
  ] as const) {
    configuration.setEvidence({ ...configuration.evidence(), keep, days: 36_500 });
    const n = expected.length * 10;
    for (const given of [proven(n), accepted(n + 1)]) evidence.keep(given);
    await evidence.settled();
    assert.deepEqual(
      evidence.list().map(({ verdict }) => verdict),
      expected,
    );
  }
  assert.equal(evidence.lost, 0);
});

test('an exported bundle is whole, signed, and names policy and evidence as the record does', async () => {
  configuration.setEvidence({ ...configuration.evidence(), days: 36_500 });
  const evidence = await keeper();
  const given = proven(0);
  evidence.keep(given);
  await evidence.settled();
  const [kept] = evidence.list();
  const bundle = unpackBundle(evidence.export(kept!));
  const { statement } = await verifyBundle(bundle, groupOf(bundle.ca ?? '', ours.group.id));
  assert.deepEqual([statement.evidence, statement.policy, statement.epoch], Object.values(given.record));
  assert.deepEqual([kept?.id, kept?.policy], [statement.evidence, statement.policy]);
  assert.equal(bundle.content.challenge.secret, undefined, 'nobody had proven to know it');
  const files = readdirSync(join(part.folder, 'evidence/bundles'));
  assert.equal(statSync(join(part.folder, 'evidence/bundles', files[0] ?? '')).mode & 0o777, 0o600);
});

test('a policy is stored once, and goes with the last bundle that names it', async () => {
  configuration.setEvidence({ keep: 'refused', days: 36_500, max_mb: 1 });
  const evidence = await keeper();
  const policies = () => readdirSync(join(part.folder, 'evidence/policies'));
  evidence.keep(proven(0));
  evidence.keep(proven(1));
  await evidence.settled();
  assert.equal(policies().length, 1);
  configuration.setSettings({ ...configuration.settings(), enrolment: 'auto' });
  evidence.keep(proven(2));
  await evidence.settled();
  assert.equal(policies().length, 2);
  configuration.setEvidence({ keep: 'refused', days: 1, max_mb: 1 });
  evidence.prune(new Date((testTime + 120 + 24 * 3600) * 1000));
  assert.deepEqual([evidence.list().length, policies().length], [1, 1]);
  evidence.prune(new Date((testTime + 10 * 24 * 3600) * 1000));
  assert.deepEqual([evidence.list(), policies()], [[], []]);
});

/** Octets that gzip cannot make smaller. */
function noise(n: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = n + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const withLog = (n: number, length: number) => ({
  evidence: { ...givenVerdict(policy()).appraised.appraisal.input.evidence, eventLog: noise(n, length) },
});

test('the oldest go first when it is too much, and senders who proved nothing push nobody out', async () => {
  configuration.setEvidence({ keep: 'refused', days: 36_500, max_mb: 1 });
  const evidence = await keeper();
  for (let n = 0; n < 6; n++) evidence.keep(proven(n, withLog(n, 300_000)));
  await evidence.settled();
  const before = evidence.list().map(({ time }) => time);
  assert.deepEqual(
    before,
    [5, 4, 3].map((n) => new Date((testTime + 60 * n) * 1000).toISOString()),
  );
  for (let n = 0; n < 40; n++) evidence.keep(givenVerdict(policy(), { ...minute(6 + n / 4), ...withLog(n, 30_000) }));
  await evidence.settled();
  const list = evidence.list();
  const unproven = list.filter(({ verdict }) => verdict === 'unproven').reduce((sum, { size }) => sum + size, 0);
  assert.ok(unproven > 0 && unproven <= 0.1 * 1024 * 1024, String(unproven));
  assert.ok(list.filter(({ verdict }) => verdict === 'refused').length >= 2);
});

test('a burst of large bundles is pruned on the way, not when it is over', async () => {
  configuration.setEvidence({ keep: 'refused', days: 36_500, max_mb: 1 });
  const evidence = await keeper();
  for (let n = 0; n < 40; n++) evidence.keep(proven(n, withLog(n, 100_000)));
  let [most, over] = [0, false];
  const settled = evidence.settled().then(() => {
    over = true;
  });
  while (!over) {
    most = Math.max(
      most,
      evidence.list().reduce((sum, { size }) => sum + size, 0),
    );
    await new Promise((turn) => setImmediate(turn));
  }
  await settled;
  assert.ok(most > 0.5 * 1024 * 1024 && most < 1.3 * 1024 * 1024, String(most));
});

test('senders who proved nothing leave ten bundles a minute, and no large ones', async () => {
  configuration.setEvidence({ keep: 'refused', days: 36_500, max_mb: 100 });
  const evidence = await keeper();
  evidence.keep(givenVerdict(policy(), withLog(0, 1024 * 1024)));
  for (let n = 0; n < 50; n++) evidence.keep(givenVerdict(policy(), withLog(n, 100)));
  await evidence.settled();
  assert.deepEqual([evidence.list().length, evidence.lost], [10, 0]);
});

test('what comes faster than it can be written, or cannot be written, is counted and told, and stops nobody', async () => {
  configuration.setEvidence({ keep: 'refused', days: 36_500, max_mb: 100 });
  const evidence = await keeper();
  for (let n = 0; n < 300; n++) evidence.keep(proven(n));
  assert.ok(evidence.lost >= 43 && evidence.lost <= 44, String(evidence.lost));
  await evidence.settled();
  const kept = evidence.list().length;
  assert.equal(kept + evidence.lost, 300);
  rmSync(join(part.folder, 'evidence'), { recursive: true });
  writeFileSync(join(part.folder, 'evidence'), '');
  evidence.keep(proven(400));
  await evidence.settled();
  assert.equal(evidence.list().length + evidence.lost, 301);
  assert.match(evidence.why.at(-1) ?? '', /ENOTDIR|ENOENT/);
});

test('what a crash left half written is gone after the next start, and the rest is there', async () => {
  configuration.setEvidence({ ...configuration.evidence(), days: 36_500 });
  const first = await keeper();
  first.keep(proven(0));
  await first.settled();
  const folder = join(part.folder, 'evidence/bundles');
  writeFileSync(join(folder, `${readdirSync(folder)[0]}.tmp`), 'half');
  writeFileSync(join(folder, 'README'), 'of somebody else');
  chmodSync(folder, 0o700);
  const second = await keeper();
  assert.deepEqual(second.list(), first.list());
  assert.deepEqual(readdirSync(folder).length, 2);
});
