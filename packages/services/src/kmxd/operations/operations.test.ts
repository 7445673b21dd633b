import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { createAuthority, issue } from '@vouchsafe/domain/x509/authority';
import { privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { parseRequest } from '@vouchsafe/domain/x509/request';
import type { HttpClient } from '../../http/client.ts';
import { routesOf } from '../../management/operation.ts';
import { assertCovered, type Call, play } from '../../management/testing/calls.ts';
import { type TestPart, testPart } from '../../management/testing/part.ts';
import type { Seal } from '../../seal/part-key.ts';
import { ProviderConfiguration } from '../configuration.ts';
import { KmipSource } from '../kmip-source.ts';
import { PrimaryKeys } from '../primary-keys.ts';
import { defaultLimits, HostLimits } from '../release-limits.ts';
import { Rotations } from '../rotations.ts';
import { kmxdOperations } from './table.ts';

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };
const ca = await createAuthority({ name: 'key servers', ...validity });
const { privateKey, publicKey } = newPair();
const certificate = await issue({ authority: ca, publicKey, subject: 'kmxd', usages: ['client'], ...validity });
const private_key = privateKeyPem(privateKey);

let part: TestPart;
let providers: ProviderConfiguration;
let kmip: KmipSource;
let client: HttpClient;
let seal: Seal = 'tpm';
let standing: GroupStanding;
const operations = () => {
  const primaryKeys = new PrimaryKeys(kmip, now);
  const recorder = { store: part.store, audit: part.audit };
  return kmxdOperations({
    host: 'ta1',
    providers,
    primaryKeys,
    rotations: new Rotations({ providers, primaryKeys, ...recorder, others: async () => [], now }),
    limits: new HostLimits(() => providers.limits()),
    standing,
    report: async (change) => void standing.join(change),
    now,
    seal,
    ...recorder,
  });
};
const now = () => Date.now() / 1000;

beforeEach(async () => {
  part = testPart();
  providers = new ProviderConfiguration(part.store);
  kmip = new KmipSource(providers, now);
  providers.onChange((id) => kmip.forget(id));
  standing = new GroupStanding();
  client = await part.serve(routesOf(operations()));
});
afterEach(async () => {
  await kmip.close();
  await part.close();
});

const all = '/kms/providers';
const raw = '/kms/raw-config';
// Nobody listens there: RFC 863, discard.
const servers = [{ name: 'k', address: { hostname: '127.0.0.1', port: 9 } }];
const order = { name: 'demo', master_key_id: 'key-1', servers };

/** The calls for a provider that is there under this id. */
const calls = (id: string): Call[] => {
  const made = {
    id,
    name: 'demo',
    description: '',
    servers,
    primary_keys: [{ uid: 'key-1', role: 'current' }],
    trusted_certificates: [],
    uses: ['run', 'recrypt', 'leave', 'decrypt', 'export'],
    share: 'all',
    accept_unmeasured_userspace: false,
    accept_auto_enrolled: false,
    deny_compromised: false,
    key_ttl: 3600,
  };
  const hardened = { ...made, uses: ['run', 'recrypt'], share: 'own' };
  const withCa = { ...hardened, trusted_certificates: [ca.certificatePem] };
  return [
    { call: ['GET', all], gives: [{ id, name: 'demo', description: '', health: 'ERROR' }] },
    { call: ['GET', `${all}/demo`], gives: made },
    { call: ['GET', `${all}/${id}`], gives: made },
    { call: ['GET', `${all}/none`], fails: 'provider.unknown' },
    {
      call: ['GET', '/kms/status'],
      gives: {
        health: 'ERROR',
        details: [{ severity: 'ERROR', message: 'key provider demo: `vouchsafe provider status demo` says more' }],
      },
    },
    {
      call: ['GET', `${all}/demo/status`],
      gives: {
        health: 'ERROR',
        details: [
          { severity: 'ERROR', message: 'it has no client certificate on this host' },
          { severity: 'ERROR', message: 'it trusts no certificate of a key server' },
          { severity: 'ERROR', message: 'primary key key-1 (current): no key server has answered' },
        ],
        servers: [
          {
            name: 'k',
            health: 'ERROR',
            details: [{ severity: 'ERROR', message: 'provider demo has no client certificate' }],
            client_trust_server: true,
            server_trust_client: true,
          },
        ],
        primary_keys: [{ uid: 'key-1', role: 'current', state: null, age: null }],
        bounds: { reachable: 5, unreachable: 3600 },
      },
    },
    { call: ['GET', `${all}/none/status`], fails: 'provider.unknown' },

    { call: ['PATCH', `${all}/demo`, { uses: ['run', 'recrypt'], share: 'own' }], gives: hardened },
    { call: ['PATCH', `${all}/demo`, { uses: ['run', 'run'] }], fails: 'input.invalid', naming: /uses/ },
    { call: ['PATCH', `${all}/demo`, { uses: ['all'] }], fails: 'input.invalid', naming: /uses/ },
    { call: ['PATCH', `${all}/demo`, { id: 'other' }], fails: 'input.invalid', naming: /id/ },
    { call: ['PATCH', `${all}/demo`, { primary_keys: [] }], fails: 'input.invalid', naming: /primary_keys/ },
    { call: ['PATCH', `${all}/demo`, { servers: [] }], fails: 'input.invalid', naming: /servers/ },
    { call: ['PATCH', `${all}/none`, {}], fails: 'provider.unknown' },
    {
      call: ['PATCH', `${all}/demo`, { scopes: ['a'], min_kek_iat: 5, share: [{ made_in: 'a', opened_in: 'b' }] }],
      gives: { ...hardened, scopes: ['a'], min_kek_iat: 5, share: [{ made_in: 'a', opened_in: 'b' }] },
    },
    { call: ['PATCH', `${all}/demo`, { scopes: [] }], fails: 'input.invalid', naming: /scopes/ },
    { call: ['PATCH', `${all}/demo`, { share: [{ made_in: 'a' }] }], fails: 'input.invalid', naming: /share/ },
    { call: ['PATCH', `${all}/demo`, { min_kek_iat: -1 }], fails: 'input.invalid', naming: /min_kek_iat/ },
    { call: ['PATCH', `${all}/demo`, { key_ttl: 100_000 }], fails: 'input.invalid', naming: /key_ttl/ },
    {
      call: ['PATCH', `${all}/demo`, { scopes: null, min_kek_iat: null, accept_unmeasured_userspace: true }],
      gives: { ...hardened, share: [{ made_in: 'a', opened_in: 'b' }], accept_unmeasured_userspace: true },
    },
    { call: ['POST', `${all}/demo/harden`], gives: hardened },
    { call: ['POST', `${all}/none/harden`], fails: 'provider.unknown' },
    { call: ['PATCH', `${all}/demo`, { master_key_id: 'key-2' }], fails: 'kmip.unreachable' },
    { call: ['PATCH', `${all}/demo`, { master_key_id: '' }], fails: 'input.invalid', naming: /master_key_id/ },
    { call: ['POST', `${all}/demo/primary-keys`, { uid: 'key-1', role: 'current' }] },
    { call: ['POST', `${all}/demo/primary-keys`, { uid: 'key-2', role: 'current' }], fails: 'object.unknown' },
    {
      call: ['POST', `${all}/demo/primary-keys`, { uid: 'key-2', role: 'old' }],
      fails: 'input.invalid',
      naming: /role/,
    },
    { call: ['DELETE', `${all}/demo/primary-keys`, { uid: 'key-1', force: true }], fails: 'object.in-use' },
    { call: ['DELETE', `${all}/demo/primary-keys`, { uid: 'key-2' }], gives: { members: [] } },
    {
      call: ['GET', `${all}/demo/rotation`],
      gives: { primary_keys: made.primary_keys, phase: 'none', members: [] },
    },
    { call: ['GET', `${all}/none/rotation`], fails: 'provider.unknown' },
    { call: ['POST', `${all}/demo/revoke`] },
    { call: ['POST', `${all}/none/revoke`], fails: 'provider.unknown' },
    { call: ['POST', `${all}/demo/restore`] },
    { call: ['POST', `${all}/none/restore`], fails: 'provider.unknown' },
    { call: ['GET', '/kms/limits'], gives: defaultLimits },
    { call: ['PATCH', '/kms/limits', { on_excess: 'refuse' }], gives: { ...defaultLimits, on_excess: 'refuse' } },
    { call: ['PATCH', '/kms/limits', { on_excess: 'ignore' }], fails: 'input.invalid', naming: /on_excess/ },
    { call: ['PATCH', '/kms/limits', { keys_at_once: 1 }], fails: 'input.invalid', naming: /keys_at_once/ },

    { call: ['PUT', `${all}/demo/client-certificate`, { certificate, private_key }] },
    { call: ['GET', `${all}/demo/client-certificate`], gives: { certificate } },
    { call: ['GET', `${all}/none/client-certificate`], fails: 'provider.unknown' },
    {
      call: [
        'PUT',
        `${all}/demo/client-certificate`,
        { certificate, private_key: privateKeyPem(newPair().privateKey) },
      ],
      fails: 'input.invalid',
      naming: /private_key/,
    },
    { call: ['PUT', `${all}/demo/client-certificate`, { certificate, private_key: 'x' }], fails: 'input.malformed' },
    { call: ['PUT', `${all}/demo/client-certificate`, { certificate }], fails: 'input.invalid', naming: /private_key/ },
    { call: ['POST', `${all}/none/client-certificate`, {}], fails: 'provider.unknown' },
    { call: ['POST', `${all}/demo/client-certificate`, { issued_by: 'me' }], fails: 'input.invalid' },
    { call: ['GET', `${all}/demo/client-certificate/csr`], fails: 'object.unknown' },
    { call: ['POST', `${all}/none/client-certificate/csr`], fails: 'provider.unknown' },
    { call: ['PUT', `${all}/demo/credential`, { password: 'x' }] },
    { call: ['PUT', `${all}/demo/credential`, {}], fails: 'input.invalid', naming: /password/ },
    {
      call: ['GET', `${all}/demo/server-certificates/remote`],
      gives: [{ server_name: 'k', trusted: false, error_messages: ['127.0.0.1:9: connect ECONNREFUSED 127.0.0.1:9'] }],
    },
    { call: ['GET', `${all}/none/server-certificates/remote`], fails: 'provider.unknown' },
    {
      call: ['POST', `${all}/demo/server-certificates/trust`, { fingerprint: 'ab'.repeat(32) }],
      fails: 'input.invalid',
      naming: /no key server shows this/,
    },
    { call: ['POST', `${all}/demo/server-certificates/trust`, { fingerprint: 'ab' }], fails: 'input.invalid' },

    { call: ['PUT', `${all}/demo/server-certificates`, { certificates: [ca.certificatePem] }] },
    { call: ['GET', `${all}/demo/server-certificates`], gives: { certificates: [ca.certificatePem] } },
    { call: ['GET', `${all}/none/server-certificates`], fails: 'provider.unknown' },
    {
      call: ['PUT', `${all}/demo/server-certificates`, { certificates: [certificate, 'x'] }],
      fails: 'input.malformed',
      naming: /certificates\[1\]/,
    },

    {
      // As another member has it: what belongs to this host alone is kept.
      call: ['PUT', raw, rawOf(50, [id, withCa])],
    },
    { call: ['PUT', raw, rawOf(50)], fails: 'object.in-use' },
    { call: ['PUT', raw, rawOf(51, [id, {}])], fails: 'input.invalid', naming: /^providers\// },
    { call: ['PUT', raw, rawOf(51, ['other', withCa])], fails: 'input.invalid', naming: /name/ },
    { call: ['GET', `${all}/demo`], gives: { ...withCa, client_certificate: certificate } },
    { call: ['DELETE', `${all}/none`], fails: 'provider.unknown' },
    { call: ['DELETE', `${all}/demo`] },
    { call: ['GET', all], gives: [] },
  ];
};

const rawOf = (generation: number, ...documents: [name: string, body: unknown][]) => ({
  generation,
  documents: documents.map(([name, body]) => ({ collection: 'providers', name, body })),
});

const creations: Call[] = [
  { call: ['POST', all, order], fails: 'object.exists' },
  { call: ['POST', all, { ...order, name: '' }], fails: 'input.invalid', naming: /name/ },
  { call: ['POST', all, { ...order, name: 'x', servers: [] }], fails: 'input.invalid', naming: /servers/ },
  { call: ['POST', all, { ...order, name: 'x', id: 'mine' }], fails: 'input.invalid', naming: /id/ },
  { call: ['POST', all, { name: 'x', servers }], fails: 'input.invalid', naming: /master_key_id/ },
];

test('every operation does what it says, and names what is wrong', async () => {
  await play(client, [{ call: ['GET', '/kms/status'], gives: none }]);
  const { body } = await client.call('POST', all, order);
  const done = calls((body as { id: string }).id);
  await play(client, creations);
  await play(client, done);
  const elsewhere: Call[] = [
    { call: ['POST', `${all}/demo/client-certificate`] },
    { call: ['POST', `${all}/demo/client-certificate/csr`] },
    { call: ['GET', `${all}/demo/client-certificate/csr`] },
    { call: ['POST', `${all}/demo/server-certificates/trust`] },
  ];
  assertCovered(operations(), [...done, ...creations, ...elsewhere, { call: ['POST', all] }, { call: ['GET', raw] }]);
});

test('secrets whose key lies beside them are complained about', async (t) => {
  seal = 'file';
  t.after(() => {
    seal = 'tpm';
  });
  const warned = await part.serve(routesOf(operations()));
  const { health, details } = (await warned.call('GET', '/kms/status')).body as { health: string; details: object[] };
  assert.deepEqual([health, details.length], ['NONE', 2]);
  await warned.call('POST', all, order);
  const after = (await warned.call('GET', '/kms/status')).body as { health: string; details: { message: string }[] };
  assert.deepEqual([after.health, after.details.length], ['ERROR', 2]);
  assert.match(after.details[1]?.message ?? '', /host\.toml/);
});

const none = { health: 'NONE', details: [{ severity: 'WARNING', message: 'no key provider is configured' }] };

test('a private key comes in and never out, in no answer and no record', async () => {
  await client.call('POST', all, order);
  await client.call('PUT', `${all}/demo/client-certificate`, { certificate, private_key });
  const secret = private_key.split('\n')[1] ?? '';
  const answers = [];
  for (const path of [all, `${all}/demo`, `${all}/demo/client-certificate`, raw, `${all}/demo/status`]) {
    answers.push((await client.call('GET', path)).body);
  }
  assert.ok(secret.length > 20);
  assert.ok(!JSON.stringify([answers, part.records]).includes(secret));
  const { body } = await client.call('GET', `${all}/demo`);
  assert.equal(
    providers.secret((body as { id: string }).id, 'client-key')?.use((bytes) => Buffer.from(bytes).toString()),
    private_key,
  );
});

/** A server as the makers of key servers build them: it knows its clients by certificate, or by their CA. */
async function keyServer(t: TestContext) {
  const { privateKey: key, publicKey: of } = newPair();
  const sans = { ip: ['127.0.0.1'] };
  const cert = await issue({ authority: ca, publicKey: of, subject: 'k', sans, usages: ['server'], ...validity });
  const seen: string[] = [];
  const options = { cert, key: privateKeyPem(key), requestCert: true, rejectUnauthorized: true };
  const server = createServer(options, (socket) => {
    seen.push(String(socket.getPeerCertificate().subject?.CN));
    socket.on('error', () => undefined).end();
  });
  server.on('tlsClientError', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const trust = (pem: string) => server.setSecureContext({ ...options, ca: [pem] });
  return { port, seen, cert, trust, fingerprint: new X509Certificate(cert).fingerprint256 };
}

const certificateIn = (body: unknown) => body as { certificate: string; ca?: string; csr: string };

test('each way to be known by a key server: by itself, by our CA, by an answered request, by an uploaded pair', async (t) => {
  const { port, seen, trust, fingerprint } = await keyServer(t);
  const servers = [{ name: 'k', address: { hostname: '127.0.0.1', port } }];
  await client.call('POST', all, { ...order, servers });
  const path = `${all}/demo/client-certificate`;
  const status = async () => {
    const { body } = await client.call('GET', `${all}/demo/status`);
    const [first] = (body as { servers: { client_trust_server: boolean; server_trust_client: boolean }[] }).servers;
    return [first?.client_trust_server, first?.server_trust_client];
  };
  trust(certificateIn((await client.call('POST', path, {})).body).certificate);
  await client.call('POST', `${all}/demo/server-certificates/trust`, { fingerprint });
  await status();
  assert.equal(seen.at(-1), 'vouchsafe ta1 demo', 'self-signed');

  const first = certificateIn((await client.call('POST', path, { issued_by: 'own-ca' })).body);
  assert.deepEqual(await status(), [true, false], 'the key server does not know the CA yet');
  trust(String(first.ca));
  const before = seen.length;
  const second = certificateIn((await client.call('POST', path, { issued_by: 'own-ca' })).body);
  await status();
  assert.deepEqual([second.ca, seen.length > before], [first.ca, true], 'a renewed certificate needs nobody there');

  const { csr } = certificateIn((await client.call('POST', `${path}/csr`)).body);
  const again = certificateIn((await client.call('GET', `${path}/csr`)).body).csr;
  const { publicKey: requested } = await parseRequest(csr);
  assert.ok(requested.equals((await parseRequest(again)).publicKey));
  const sign = (of: typeof requested) =>
    issue({ authority: ca, publicKey: of, subject: 'signed elsewhere', usages: ['client'], ...validity });
  const wrong = await sign(newPair().publicKey);
  await play(client, [{ call: ['PUT', path, { certificate: wrong }], fails: 'input.invalid', naming: /another key/ }]);
  await client.call('PUT', path, { certificate: await sign(requested) });
  trust(ca.certificatePem);
  await status();
  assert.equal(seen.at(-1), 'signed elsewhere');
  await play(client, [{ call: ['GET', `${path}/csr`], fails: 'object.unknown' }]);

  await client.call('PUT', path, { certificate, private_key });
  await status();
  assert.equal(seen.at(-1), 'kmxd');
});

test('what a key server shows is told with its fingerprint, and trusted or refused by that alone', async (t) => {
  const { port, cert, fingerprint } = await keyServer(t);
  const impostor = await keyServer(t);
  const at = (port: number) => [{ name: 'k', address: { hostname: '127.0.0.1', port } }];
  await client.call('POST', all, { ...order, servers: at(port) });
  const remote = async () =>
    (await client.call('GET', `${all}/demo/server-certificates/remote`)).body as { trusted: boolean }[];
  const plain = fingerprint.replaceAll(':', '').toLowerCase();
  const [shown] = await remote();
  assert.partialDeepStrictEqual(shown, { server_name: 'k', fingerprint: plain, trusted: false, subject: 'CN=k' });
  const trust = `${all}/demo/server-certificates/trust`;
  await play(client, [
    { call: ['POST', trust, { fingerprint: impostor.fingerprint }], fails: 'input.invalid', naming: new RegExp(plain) },
  ]);
  await client.call('POST', trust, { fingerprint });
  assert.equal((await remote())[0]?.trusted, true);
  const { body } = await client.call('GET', `${all}/demo/server-certificates`);
  const { certificates } = body as { certificates: string[] };
  assert.deepEqual(
    certificates.map((pem) => new X509Certificate(pem).raw),
    [new X509Certificate(cert).raw],
  );
  await client.call('PATCH', `${all}/demo`, { servers: at(impostor.port) });
  assert.equal((await remote())[0]?.trusted, false, 'another server at the address');
  await client.call('PUT', `${all}/demo/server-certificates`, { certificates: [ca.certificatePem] });
  assert.equal((await remote())[0]?.trusted, true, 'by its CA');
});

test('certificates that end soon are complained about, those that ended are errors', async () => {
  const { body } = await client.call('POST', all, order);
  const { id } = body as { id: string };
  const until = (days: number) => ({ ...validity, notAfter: new Date(Date.now() + days * 86_400_000) });
  const of = (days: number) => issue({ authority: ca, publicKey, subject: 'kmxd', usages: ['client'], ...until(days) });
  for (const [days, severity] of [
    [10, 'WARNING'],
    [-1, 'ERROR'],
  ] as const) {
    await client.call('PUT', `${all}/${id}/client-certificate`, { certificate: await of(days), private_key });
    const status = (await client.call('GET', `${all}/demo/status`)).body;
    const { details } = status as { details: { severity: string; message: string }[] };
    const found = details.find(({ message }) => message.includes('the client certificate (CN=kmxd)'));
    assert.equal(found?.severity, severity);
  }
});

test('connections and keys of a provider are got anew after every change of them, and of nothing else', async () => {
  const told: string[] = [];
  providers.onChange((id) => told.push(id));
  const { body } = await client.call('POST', all, order);
  const { id } = body as { id: string };
  await client.call('PATCH', `${all}/demo`, { share: 'own' });
  assert.deepEqual(told, []);
  await client.call('PATCH', `${all}/demo`, { connection_timeout: 7 });
  await client.call('PUT', `${all}/demo/server-certificates`, { certificates: [ca.certificatePem] });
  assert.deepEqual(told, [id, id]);
  await client.call('PUT', raw, rawOf(50));
  assert.deepEqual(told, [id, id, id], 'also when another configuration is taken over');
});

test('a change that cannot be recorded is not made', async () => {
  const { body } = await client.call('POST', all, order);
  const before = part.store.raw();
  part.full = true;
  const { id } = body as { id: string };
  await play(client, [
    { call: ['POST', all, { ...order, name: 'two' }], fails: 'internal' },
    { call: ['PATCH', `${all}/demo`, { share: 'own' }], fails: 'internal' },
    { call: ['DELETE', `${all}/demo`], fails: 'internal' },
    { call: ['PUT', `${all}/demo/client-certificate`, { certificate, private_key }], fails: 'internal' },
    { call: ['PATCH', '/kms/limits', { on_excess: 'refuse' }], fails: 'internal' },
    { call: ['POST', `${all}/demo/harden`], fails: 'internal' },
    { call: ['PUT', raw, rawOf(99)], fails: 'internal' },
  ]);
  assert.deepEqual(part.store.raw(), before);
  assert.equal(providers.secret(id, 'client-key'), undefined);
});
