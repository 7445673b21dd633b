import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { parsePrivateKey, privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { refusedWith } from '@vouchsafe/kmip/testing/contract';
import { addKmsClient, listKmsClients, removeKmsClient } from './clients.ts';
import { serveKms } from './serve.ts';
import { kmsFixture } from './testing/fixture.ts';

const refused = refusedWith('Authentication Not Successful');

test('a client can be added before the server ran at all', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kms-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const dataDir = join(folder, 'data');
  const files = await addKmsClient({ dataDir, name: 'early', outDir: join(folder, 'out') });
  const kms = await serveKms({ dataDir, listen: { host: '127.0.0.1', port: 0 } });
  t.after(kms.close);
  assert.equal(kms.authorityPem, readFileSync(files.authority, 'utf8'));
  assert.equal(statSync(files.key).mode & 0o777, 0o600);
  assert.deepEqual(
    (await listKmsClients(dataDir)).map(({ name, fingerprint }) => [name, fingerprint]),
    [['early', files.fingerprint]],
  );
});

test('two first starts at once end with one authority', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kms-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const add = (name: string) => addKmsClient({ dataDir: join(folder, 'data'), name, outDir: join(folder, name) });
  const all = await Promise.all(['a', 'b', 'c'].map(add));
  assert.equal(new Set(all.map((files) => readFileSync(files.authority, 'utf8'))).size, 1);
});

test('a name is taken once, and must be fit for a file', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('one');
  const before = readFileSync(files.key);
  await assert.rejects(fixture.addClient('one'), /a client of this name already/);
  assert.deepEqual(readFileSync(files.key), before);
  for (const name of ['', '../one', 'a/b', '.hidden', 'a b', 'ca', 'x'.repeat(65)])
    await assert.rejects(fixture.addClient(name), /expected up to 64 letters/);
});

test('a certificate with the right name from another authority, or from ours but never admitted, is refused', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('one');
  const validity = { notBefore: new Date(Date.now() - 86_400_000), notAfter: new Date(Date.now() + 86_400_000) };
  const foreign = await createAuthority({ name: 'foreign', ...validity });
  const ours = {
    certificatePem: fixture.kms.authorityPem,
    privateKey: parsePrivateKey(readFileSync(join(fixture.dataDir, 'ca', 'ca.key'))),
  };
  for (const authority of [foreign, ours]) {
    const { publicKey, privateKey } = newKeyPair();
    const certificate = await issue({ authority, publicKey, subject: 'one', usages: ['client'], ...validity });
    const forged = { ...files, certificate: `${files.certificate}.forged`, key: `${files.key}.forged` };
    writeFileSync(forged.certificate, certificate);
    writeFileSync(forged.key, privateKeyPem(privateKey), { mode: 0o600 });
    using client = fixture.client(forged);
    await assert.rejects(client.discoverVersions(), refused);
  }
  using client = fixture.client(files);
  assert.ok((await client.discoverVersions()).length > 0);
});

test('a removed client is out at once, on the connection that it has, too', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('one');
  using client = fixture.client(files);
  await client.discoverVersions();
  assert.equal(await removeKmsClient(fixture.dataDir, 'one'), true);
  assert.equal(await removeKmsClient(fixture.dataDir, 'one'), false);
  await assert.rejects(client.discoverVersions(), refused);
});

test('an expired client certificate is refused', async (t) => {
  let now = new Date();
  const fixture = await kmsFixture({ now: () => now });
  t.after(fixture.close);
  using client = fixture.client(await fixture.addClient('one'));
  await client.discoverVersions();
  now = new Date(now.getTime() + 11 * 365 * 86_400_000);
  await assert.rejects(client.discoverVersions(), refused);
});
