import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ensureInstalled, installedVersions, missingPackages, needApt, packagesFor, reasonFor } from './debian.ts';
import { TestingError } from './error.ts';

const refused = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof TestingError && error.code === code && message.test(error.message);

test('every package has a reason; the demo needs no firmware and no second opinions', () => {
  for (const purpose of ['demo', 'dev', 'test', 'e2e'] as const) {
    for (const name of packagesFor(purpose)) assert.ok(reasonFor(name), name);
  }
  assert.ok(packagesFor('demo').includes('swtpm-tools'));
  assert.ok(!packagesFor('demo').includes('ovmf'));
  assert.ok(!packagesFor('demo').includes('tpm2-tools'));
});

test("dpkg's record tells what is installed", async () => {
  const installed = await installedVersions(['dpkg', 'vouchsafe-no-such-package']);
  assert.deepEqual([...installed.keys()], ['dpkg']);
  assert.deepEqual(await ensureInstalled(['dpkg'], () => assert.fail('nothing to install')), []);
  const missing = await missingPackages('test');
  assert.ok(missing.every((name) => packagesFor('test').includes(name)));
});

test('who is not root is told what is missing', async (t) => {
  t.mock.method(process as { getuid(): number }, 'getuid', () => 1000);
  await assert.rejects(
    ensureInstalled(['vouchsafe-no-such-package'], () => {}),
    refused('not-root', /cannot install vouchsafe-no-such-package: run this as root$/),
  );
});

test('a machine without apt is told what it should be', () => {
  assert.throws(() => needApt('/no/such/apt-get'), refused('no-apt', /Debian 12/));
});
