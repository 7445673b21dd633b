import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { fingerprint, parseCertificate, parsePrivateKey } from '@vouchsafe/domain/x509/pem';
import { kmsFixture } from '../testing/fixture.ts';
import { pykmipServer, withoutPykmip } from '../testing/pykmip-server.ts';
import { rawClient } from '../testing/raw-client.ts';
import { examine } from './doctor.ts';

async function patient(t: TestContext) {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const as = async (name: string, options: { scope?: string; roles?: string[] } = {}) => {
    const files = await fixture.addClient(name, options);
    const identity = {
      certificate: readFileSync(files.certificate, 'utf8'),
      key: parsePrivateKey(readFileSync(files.key)),
    };
    return { files, identity };
  };
  const { identity, files } = await as('vcenter');
  const ca = readFileSync(files.authority, 'utf8');
  return { fixture, as, files, order: { server: fixture.kms.address, identity, trust: { ca } } };
}

test('our own key server is fit, and nothing is left on it', async (t) => {
  const { fixture, files, order } = await patient(t);
  const seen: string[] = [];
  const found = await examine(order, ({ id }) => seen.push(id));
  assert.deepEqual(
    found.checks.filter(({ status }) => status !== 'ok'),
    [],
  );
  assert.equal(found.verdict, 'fit');
  assert.deepEqual(found.left, []);
  assert.deepEqual(
    seen,
    found.checks.map(({ id }) => id),
  );
  using client = fixture.client(files);
  assert.deepEqual(await client.locate({}), []);
});

test('a server is fit for clients with a user name, too', async (t) => {
  const { order } = await patient(t);
  using password = Secret.take(Buffer.from('word'));
  const found = await examine({ ...order, login: { username: 'vcenter', password } });
  assert.equal(found.verdict, 'fit');
});

test('a server with another certificate than the pinned one is not talked to', async (t) => {
  const { fixture, files, order } = await patient(t);
  const reader = await rawClient(fixture.kms.address.port, files);
  const shown = fingerprint(parseCertificate(reader.socket.getPeerCertificate().raw));
  reader.close();
  assert.equal((await examine({ ...order, trust: { pin: shown.toUpperCase() } })).verdict, 'fit');
  const { verdict, checks } = await examine({ ...order, trust: { pin: '00'.repeat(32) } });
  assert.equal(verdict, 'untrusted');
  assert.equal(checks.length, 1);
});

test('what a role is not given is said, and a key that cannot be destroyed is named', async (t) => {
  const { as, order } = await patient(t);
  const auditor = await examine({ ...order, identity: (await as('auditor', { roles: ['auditor'] })).identity });
  assert.equal(auditor.verdict, 'denied');
  assert.equal(auditor.checks.find(({ id }) => id === 'create')?.status, 'failed');
  assert.equal(auditor.checks.find(({ id }) => id === 'fetch')?.status, 'skipped');
});

test('an identity that reads keys of others is found out', async (t) => {
  const { fixture, as, files, order } = await patient(t);
  using owner = fixture.client(files);
  const id = await owner.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] });
  const other = await as('other');
  const apart = await examine({ ...order, identity: other.identity, foreign: [id] });
  assert.equal(apart.verdict, 'fit');
  const guest = await as('guest', { scope: 'vcenter' });
  const { verdict, checks } = await examine({ ...order, identity: guest.identity, foreign: [id] });
  assert.equal(verdict, 'unfit');
  assert.match(String(checks.find((each) => each.id === 'foreign')?.detail), new RegExp(id));
});

test('nobody at the address, and a stranger, are told apart', async (t) => {
  const { fixture, order } = await patient(t);
  const stranger = await kmsFixture();
  t.after(stranger.close);
  const denied = await examine({ server: stranger.kms.address, identity: order.identity });
  assert.equal(denied.verdict, 'denied');
  await fixture.kms.close();
  const gone = await examine(order);
  assert.equal(gone.verdict, 'unfit');
  assert.match(String(gone.checks.find(({ id }) => id === 'identity')?.advice), /nothing listens there/);
  await fixture.restart();
});

test('PyKMIP: what works is told from what is missing', { skip: withoutPykmip }, async (t) => {
  const server = await pykmipServer();
  t.after(server.close);
  const found = await examine({
    server: { host: '127.0.0.1', port: server.port },
    identity: await server.identity('vcenter'),
    trust: { ca: server.ca },
    timeout: 20_000,
  });
  const status = (id: string) => found.checks.find((each) => each.id === id)?.status;
  for (const id of ['identity', 'tls-1.2', 'versions', 'create', 'fetch', 'state', 'activate', 'clean-up'])
    assert.equal(status(id), 'ok', JSON.stringify(found.checks.find((each) => each.id === id)));
  // It knows no attributes of clients.
  assert.equal(status('label.write'), 'warning');
  assert.equal(found.verdict, 'limited');
  assert.deepEqual(found.left, []);
});
