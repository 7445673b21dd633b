import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { certificateFacts } from '@vouchsafe/domain/x509/facts';
import { parsePrivateKey, privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { pemBlocks, pemText } from '@vouchsafe/domain/x509/pem-blocks';
import { createRequest } from '@vouchsafe/domain/x509/request';
import { refusedWith } from '@vouchsafe/kmip/testing/contract';
import {
  addKmsClient,
  addKmsClientByCertificate,
  addKmsClientByRequest,
  listKmsClients,
  removeKmsCertificate,
  removeKmsClient,
  renewKmsClient,
} from './clients.ts';
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
    (await listKmsClients(dataDir)).map(({ name, certificates }) => [name, certificates[0]?.fingerprint]),
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

test('a client keeps its keys when its certificate is renewed, and both are good meanwhile', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const { dataDir } = fixture;
  const first = await fixture.addClient('one');
  using before = fixture.client(first);
  const id = await before.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] });
  await assert.rejects(renewKmsClient({ dataDir, name: 'one', outDir: dirname(first.key) }), /EEXIST/);
  const second = await renewKmsClient({ dataDir, name: 'one', outDir: join(dataDir, 'renewed') });
  using after = fixture.client(second);
  (await after.get(id))[Symbol.dispose]();
  (await before.get(id))[Symbol.dispose]();
  await removeKmsCertificate({ dataDir, name: 'one' }, first.fingerprint.slice(0, 12));
  await assert.rejects(before.get(id), refused);
  (await after.get(id))[Symbol.dispose]();
  await assert.rejects(() => removeKmsCertificate({ dataDir, name: 'one' }, first.fingerprint), /no one certificate/);
  await assert.rejects(() => removeKmsCertificate({ dataDir, name: 'one' }, ''), /no one certificate/);
});

test('a request is signed for its key alone, and what it says of itself counts for nothing', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const { dataDir } = fixture;
  const outDir = join(dataDir, 'signed');
  const { privateKey } = newKeyPair();
  const request = await createRequest({ subject: 'admin', privateKey, sans: { dns: ['admin.example'] } });
  const files = await addKmsClientByRequest({ dataDir, name: 'two', outDir, request });
  const facts = certificateFacts(readFileSync(files.certificate, 'utf8'));
  assert.deepEqual([facts.commonName, facts.sans.dns], ['two', ['two']]);
  const key = join(outDir, 'two.key');
  writeFileSync(key, privateKeyPem(privateKey), { mode: 0o600 });
  using client = fixture.client({ ...files, key });
  assert.ok((await client.discoverVersions()).length > 0);
  const [der] = pemBlocks(request, 'CERTIFICATE REQUEST');
  der![der!.length - 1]! ^= 1;
  const broken = pemText('CERTIFICATE REQUEST', der!);
  await assert.rejects(addKmsClientByRequest({ dataDir, name: 'three', outDir, request: broken }), /request/);
  assert.equal((await listKmsClients(dataDir)).length, 1);
});

test('a foreign certificate is let in by itself alone: not its twin of the same names, not what its issuer makes', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const { dataDir } = fixture;
  const validity = { notBefore: new Date(Date.now() - 86_400_000), notAfter: new Date(Date.now() + 86_400_000) };
  const authority = await createAuthority({ name: 'foreign', ...validity });
  const make = async (name: string) => {
    const { publicKey, privateKey } = newKeyPair();
    const certificate = await issue({ authority, publicKey, subject: 'array1', usages: [], ...validity });
    const files = { certificate: join(dataDir, `${name}.crt`), key: join(dataDir, `${name}.key`) };
    writeFileSync(files.certificate, certificate);
    writeFileSync(files.key, privateKeyPem(privateKey), { mode: 0o600 });
    return { pem: certificate, files: { ...files, authority: join(dataDir, 'ca', 'ca.crt'), fingerprint: '' } };
  };
  const [pinned, twin] = [await make('pinned'), await make('twin')];
  await addKmsClientByCertificate({ dataDir, name: 'array1', certificate: pinned.pem });
  await assert.rejects(
    () => addKmsClientByCertificate({ dataDir, name: 'array2', certificate: pinned.pem }),
    /is that of client array1/,
  );
  using client = fixture.client(pinned.files);
  assert.ok((await client.discoverVersions()).length > 0);
  using other = fixture.client(twin.files);
  await assert.rejects(other.discoverVersions(), refused);
});

test('what could never come in, or is too weak, is not pinned', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kms-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const dataDir = join(folder, 'data');
  const add = (certificate: string) => addKmsClientByCertificate({ dataDir, name: 'x', certificate });
  await assert.rejects(() => add('no certificate'), /expected a certificate in PEM/);
  const ended = { notBefore: new Date(0), notAfter: new Date(Date.now() - 86_400_000) };
  const old = await createAuthority({ name: 'old', ...ended });
  await assert.rejects(() => add(old.certificatePem), /the certificate ended at/);
  assert.equal(existsSync(dataDir), false);
});

test('the keys of a client that was removed do not fall to the next one of its name by chance', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  using client = fixture.client(await fixture.addClient('one'));
  const id = await client.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] });
  await removeKmsClient(fixture.dataDir, 'one');
  const outDir = join(fixture.dataDir, 'again');
  const again = { dataDir: fixture.dataDir, name: 'one', outDir };
  await assert.rejects(addKmsClient(again), /there is a scope of this name already/);
  using heir = fixture.client(await addKmsClient({ ...again, scope: 'one' }));
  (await heir.get(id))[Symbol.dispose]();
});
