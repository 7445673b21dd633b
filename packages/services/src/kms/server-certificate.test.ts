import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { certificateFacts } from '@vouchsafe/domain/x509/facts';
import { fingerprint, parseCertificate } from '@vouchsafe/domain/x509/pem';
import { parseRequest } from '@vouchsafe/domain/x509/request';
import { discoverVersions } from '@vouchsafe/kmip/operations/discover-versions';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { installServerCertificate, renewServerCertificate, requestServerCertificate } from './server-certificate.ts';
import { kmsStatus } from './status.ts';
import { type KmsFixture, kmsFixture } from './testing/fixture.ts';
import { rawClient } from './testing/raw-client.ts';

const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 5 * 86_400_000) };

const shownBy = async (fixture: KmsFixture) => {
  const client = await rawClient(fixture.kms.address.port);
  const { raw } = client.socket.getPeerCertificate();
  client.close();
  return fingerprint(parseCertificate(raw));
};

/** Waits until the server shows this certificate: it looks at the file every two seconds. */
async function shows(fixture: KmsFixture, wanted: string): Promise<void> {
  while ((await shownBy(fixture)) !== wanted) await sleep(200);
}

test('a certificate of another authority takes the place of ours while the server runs, and ours comes back', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const { dataDir } = fixture;
  const held = await rawClient(fixture.kms.address.port, await fixture.addClient('one'));
  const request = await parseRequest(await requestServerCertificate({ dataDir, names: ['kms.example', '192.0.2.5'] }));
  assert.deepEqual([request.sans.dns, request.sans.ip], [['kms.example'], ['192.0.2.5']]);
  const authority = await createAuthority({ name: 'corporate', ...validity });
  const order = { authority, subject: 'kms.example', sans: { dns: ['kms.example'] }, usages: ['server'] as const };
  const certificate = await issue({ ...order, publicKey: request.publicKey, ...validity });
  const other = await issue({ ...order, publicKey: newKeyPair().publicKey, ...validity });
  assert.throws(() => installServerCertificate({ dataDir, chain: other }), /is for another key/);
  assert.throws(() => installServerCertificate({ dataDir, chain: 'nothing' }), /expected certificates in PEM/);
  const late = () => new Date(Date.now() + 30 * 86_400_000);
  assert.throws(() => installServerCertificate({ dataDir, chain: certificate, now: late }), /not now/);
  const installed = installServerCertificate({ dataDir, chain: certificate + authority.certificatePem });
  await shows(fixture, installed.fingerprint);
  const answer = await held.ask(requestMessage([asking(discoverVersions, { versions: [] })]));
  assert.equal(answer.items[0]?.status, 'Success');
  held.close();
  const server = (await kmsStatus(dataDir)).find((each) => each.of === 'server');
  assert.deepEqual([server?.status, server?.fingerprint], ['expiring', installed.fingerprint]);
  await fixture.restart();
  assert.equal(await shownBy(fixture), installed.fingerprint);
  const renewed = await renewServerCertificate({ dataDir, names: ['more.example'] });
  await shows(fixture, renewed.fingerprint);
});

test('the certificate of our own authority is made anew for a name that it lacks, and keeps the names it had', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const before = await shownBy(fixture);
  await fixture.restart();
  assert.equal(await shownBy(fixture), before);
  await renewServerCertificate({ dataDir: fixture.dataDir, names: ['kms.example'] });
  await renewServerCertificate({ dataDir: fixture.dataDir, names: ['192.0.2.5'] });
  await fixture.restart();
  const client = await rawClient(fixture.kms.address.port);
  const { raw } = client.socket.getPeerCertificate();
  client.close();
  const { sans } = certificateFacts(parseCertificate(raw).toString());
  assert.ok(sans.dns.includes('kms.example') && sans.ip.includes('192.0.2.5'));
});
