import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { packBundle, unpackBundle } from '@vouchsafe/domain/attestation/bundle/bundle-file';
import { groupOf } from '@vouchsafe/domain/group/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import { verifyEvidence } from './verify-evidence.ts';

const folder = resolve(import.meta.dirname, '../../testing/src/testdata/bundles');
const read = (name: string) => readFileSync(join(folder, name));
const ca = read('group-ca.pem').toString();
const group = groupOf(ca).id;

/** Recorded once, by the first version that kept evidence; see the README beside them. */
const recorded: [file: string, trusted: boolean, failures: string[]][] = [
  ['trusted', true, []],
  ['handed-in-twice', false, ['challenge.once']],
  ['another-kernel', false, ['image.match']],
  ['another-signature', false, ['quote.signature']],
  ['revoked', false, ['host.revoked']],
];

for (const [file, trusted, failures] of recorded) {
  test(`recorded: the bundle ${file} is judged as it was, by the name of its group or by its CA`, async () => {
    for (const expected of [
      { group, ca: undefined },
      { group: undefined, ca },
    ]) {
      const report = await verifyEvidence(read(`${file}.evidence`), expected);
      assert.deepEqual([report.trusted, report.recorded.trusted], [trusted, trusted]);
      const failed = report.findings.filter(({ severity }) => severity === 'fail').map(({ check }) => check);
      assert.ok(failures.every((check) => failed.includes(check)) && failed.length > 0 === !trusted, failed.join());
      assert.ok(!failed.includes('bundle.differs'));
    }
  });
}

test('a bundle is held against the group that was asked for, not against the CA that it brings', async () => {
  const other = readFileSync(resolve(import.meta.dirname, '../../domain/src/testdata/formats.json'), 'utf8');
  const { group: theirs, group_ca } = JSON.parse(other) as { group: string; group_ca: string };
  const bytes = read('trusted.evidence');
  await assert.rejects(verifyEvidence(bytes, { group: theirs, ca: undefined }), problem('service.untrusted'));
  await assert.rejects(verifyEvidence(bytes, { group: undefined, ca: group_ca }), problem('bundle.invalid', /issued/));
  const { ca: _gone, ...without } = unpackBundle(bytes);
  await assert.rejects(
    verifyEvidence(packBundle(without), { group, ca: undefined }),
    problem('bundle.invalid', /--ca/),
  );
  assert.equal((await verifyEvidence(packBundle(without), { group: undefined, ca })).trusted, true);
});

test('a policy document that nothing can read is named', async () => {
  const bundle = unpackBundle(read('trusted.evidence'));
  const policy = [...bundle.policy!, { collection: 'base-images', name: 'x', body: {} }];
  await assert.rejects(
    verifyEvidence(packBundle({ ...bundle, policy }), { group, ca: undefined }),
    problem('bundle.invalid'),
  );
});

test('the command leaves with 0, 3 and 1, and wants to know whose word it is', () => {
  const run = (...args: string[]) => {
    const main = resolve(import.meta.dirname, 'main.ts');
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const good = run(
    'verify-evidence',
    join(folder, 'trusted.evidence'),
    '--ca',
    join(folder, 'group-ca.pem'),
    '-o',
    'json',
  );
  assert.equal(good.status, 0, good.stderr);
  assert.equal((JSON.parse(good.stdout) as { host: string }).host, 'good');
  assert.equal(run('verify-evidence', join(folder, 'revoked.evidence'), '--group', group).status, 3);
  const open = run('verify-evidence', join(folder, 'trusted.evidence'));
  assert.deepEqual([open.status, /either --group or --ca/.test(open.stderr)], [1, true]);
  const broken = join(tmpdir(), `broken-${process.pid}.evidence`);
  writeFileSync(broken, read('trusted.evidence').subarray(0, 500));
  const { status } = run('verify-evidence', broken, '--group', group);
  rmSync(broken);
  assert.equal(status, 1);
});
