import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { kmsFixture } from '@vouchsafe/services/kms/testing/fixture';

const main = join(import.meta.dirname, 'main.ts');

const vouchsafe = (...args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile(process.execPath, [main, ...args], (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });

test('the doctor leaves with what it found: usable, another server, not let in, not there', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('vcenter');
  const auditor = await fixture.addClient('auditor', { roles: ['auditor'] });
  const { host, port } = fixture.kms.address;
  const doctor = (as: typeof files, ...more: string[]) =>
    vouchsafe('kms', 'doctor', `${host}:${port}`, '--cert', as.certificate, '--key', as.key, ...more);
  const fit = await doctor(files, '--ca', files.authority, '-o', 'json');
  assert.equal(fit.code, 0, fit.err);
  assert.equal(JSON.parse(fit.out).verdict, 'fit');
  assert.equal((await doctor(files, '--pin', '0'.repeat(64))).code, 3);
  const denied = await doctor(auditor, '--ca', files.authority);
  assert.equal(denied.code, 4);
  assert.match(denied.err, /let this client certificate in on the server/);
  await fixture.kms.close();
  assert.equal((await doctor(files)).code, 2);
  await fixture.restart();
});

test('a certificate of the server is requested, one for another key is refused, and what ends when is shown', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const { dataDir } = fixture;
  const csr = join(dirname(dataDir), 'kms.csr');
  const requested = await vouchsafe(
    'kms',
    'server',
    'request',
    '--data',
    dataDir,
    '--name',
    'kms.example',
    '--out',
    csr,
  );
  assert.equal(requested.code, 0, requested.err);
  assert.match(readFileSync(csr, 'utf8'), /BEGIN CERTIFICATE REQUEST/);
  writeFileSync(`${csr}.crt`, fixture.kms.authorityPem);
  const wrong = await vouchsafe('kms', 'server', 'install', '--data', dataDir, '--certificate', `${csr}.crt`);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /is for another key/);
  const status = await vouchsafe('kms', 'status', '--data', dataDir, '-o', 'json');
  assert.equal(status.code, 0, status.err);
  const found = JSON.parse(status.out) as { of: string; status: string }[];
  assert.deepEqual(found.map((each) => `${each.of} ${each.status}`).sort(), ['authority ok', 'server ok']);
});
