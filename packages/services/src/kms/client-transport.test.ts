import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { fingerprint, parseCertificate, privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { kmipClient } from '@vouchsafe/kmip/client/client';
import type { KmipClientOptions, KmipServer } from '@vouchsafe/kmip/client/options';
import { fetchServerCertificate } from '@vouchsafe/kmip/client/server-certificate';
import { UsernameAndPassword } from '@vouchsafe/kmip/server/credential';
import { respond, type Script } from '@vouchsafe/kmip/testing/fake-server';
import { connectProxy } from './testing/connect-proxy.ts';
import {
  authority,
  clientOf,
  failsWith,
  fake,
  honest,
  identity,
  own,
  server,
  trusted,
  validity,
} from './testing/fake-peer.ts';

const secret = (text: string) => Secret.take(Buffer.from(text));

/** A client of one server. */
function one(t: TestContext, to: Partial<KmipServer> & { port: number }, options: Partial<KmipClientOptions> = {}) {
  const servers = [{ host: '127.0.0.1', trust: trusted, ...to }] as const;
  const client = kmipClient({ servers, ...own, tryTimeout: 2000, ...options });
  t.after(() => client.close());
  return client;
}

const gets = async (client: ReturnType<typeof one>) => (await client.get('a'))[Symbol.dispose]();

test('an HTTP proxy opens a tunnel, with a user name and password if it wants them', async (t) => {
  const started = await fake(t, honest);
  const free = await connectProxy(t);
  await gets(one(t, { port: started.port, proxy: { kind: 'connect', host: '127.0.0.1', port: free.port } }));
  assert.deepEqual(free.asked, [`127.0.0.1:${started.port}`]);

  const closed = await connectProxy(t, 'user:päss');
  const through = { kind: 'connect', host: '127.0.0.1', port: closed.port } as const;
  const known = { ...through, username: 'user', password: secret('päss') };
  await gets(one(t, { port: started.port, proxy: known }));
  const before = started.connections();
  for (const proxy of [through, { ...through, username: 'user', password: secret('guess') }])
    await assert.rejects(
      gets(one(t, { port: started.port, proxy })),
      failsWith('proxy.refused', /407.*wants a user name/),
    );
  assert.equal(started.connections(), before);
});

test('a proxy is not believed to be the server', async (t) => {
  const stranger = await createAuthority({ name: 'test', ...validity });
  const started = await fake(t, honest);
  const { port } = await connectProxy(t);
  const proxy = { kind: 'connect', host: '127.0.0.1', port } as const;
  const misled = one(t, { port: started.port, proxy, trust: { ca: stranger.certificatePem } });
  await assert.rejects(gets(misled), failsWith('server.untrusted'));
  assert.deepEqual(started.seen, []);
});

const proxies: Record<string, [string | undefined, RegExp]> = {
  'no HTTP': ['SSH-2.0-OpenSSH_9.2\r\n\r\n', /no answer of an HTTP proxy/],
  'a refusal with control characters': ['HTTP/1.1 403 No\u001b[31m\r\n\r\n', /403 No \[31m/],
  'a head without end': [`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(10_000)}`, /no answer of an HTTP proxy/],
  nothing: [undefined, /no answer in time/],
};
for (const [what, [words, expected]] of Object.entries(proxies))
  test(`a proxy that answers with ${what} costs bounded time and memory`, async (t) => {
    const listener = createServer((socket) => {
      socket.on('error', () => {});
      t.after(() => socket.destroy());
      if (words !== undefined) socket.write(words);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    t.after(() => listener.close());
    const { port } = listener.address() as AddressInfo;
    const client = one(t, { port: 1, proxy: { kind: 'connect', host: '127.0.0.1', port } }, { tryTimeout: 300 });
    await assert.rejects(gets(client), (error: Error) => expected.test(error.message));
  });

test('a relay is dialled, the name of the server is verified', async (t) => {
  const names = await identity('server', { dns: ['kms.example'] });
  const started = await fake(t, honest, { certificate: names.certificate, key: privateKeyPem(names.key) });
  const proxy = { kind: 'relay', host: '127.0.0.1', port: started.port } as const;
  await gets(one(t, { host: 'kms.example', port: 5696, proxy }));
  await gets(one(t, { host: '192.0.2.1', port: 5696, serverName: 'kms.example', proxy }));
  await assert.rejects(gets(one(t, { host: 'other.example', port: 5696, proxy })), failsWith('server.untrusted'));
  await assert.rejects(gets(one(t, { port: started.port })), failsWith('server.untrusted'));
});

test('IPv6 addresses are dialled, verified and named', async (t) => {
  const six = await identity('server', { ip: ['::1'] });
  const started = await fake(t, honest, { certificate: six.certificate, key: privateKeyPem(six.key), host: '::1' });
  await gets(one(t, { host: '::1', port: started.port }));
  const proxy = await connectProxy(t);
  await gets(
    one(t, { host: '::1', port: started.port, proxy: { kind: 'connect', host: '127.0.0.1', port: proxy.port } }),
  );
  assert.deepEqual(proxy.asked, [`[::1]:${started.port}`]);
  await started.close();
  await assert.rejects(gets(one(t, { host: '::1', port: started.port })), failsWith('server.unreachable', /^\[::1\]:/));
});

test('user name and password stand in the header of every request, the first included', async (t) => {
  const seen: string[] = [];
  const script: Script = (request, n) => {
    const [credential] = request.header.authentication?.credentials ?? [];
    const { username, password } = credential!.value.as(UsernameAndPassword);
    seen.push(
      `${request.items[0]?.operation} ${username} ${password?.use((octets) => Buffer.from(octets).toString())}`,
    );
    if (request.items[0]?.operation !== 'Discover Versions') return honest(request, n);
    return respond(request, { status: 'Operation Failed', reason: 'Operation Not Supported' });
  };
  const started = await fake(t, script, { scripted: true });
  await gets(one(t, { port: started.port }, { credential: { username: 'me', password: secret('pass') } }));
  assert.equal(seen.at(-1), 'Get me pass');
  assert.deepEqual([...new Set(seen)], ['Discover Versions me pass', 'Get me pass']);
});

test('a server without Discover Versions is spoken to in 1.0', async (t) => {
  for (const reason of ['Operation Not Supported', 'Invalid Message'] as const) {
    const spoken: string[] = [];
    const script: Script = (request, n) => {
      const { version } = request.header;
      spoken.push(`${request.items[0]?.operation} ${version.major}.${version.minor}`);
      if (request.items[0]?.operation === 'Discover Versions')
        return respond(request, { status: 'Operation Failed', reason });
      return honest(request, n);
    };
    const started = await fake(t, script, { scripted: true });
    const client = one(t, { port: started.port });
    await gets(client);
    await gets(client);
    assert.deepEqual(spoken.slice(-2), ['Get 1.0', 'Get 1.0']);
  }
});

test('a version that is set is spoken without asking', async (t) => {
  const started = await fake(t, honest);
  await gets(one(t, { port: started.port }, { version: { major: 1, minor: 2 } }));
  assert.deepEqual(started.seen, ['Get']);
});

test('an operation that the version lacks is not sent', async (t) => {
  const started = await fake(t, honest, { versions: [{ major: 1, minor: 2 }] });
  const client = one(t, { port: started.port });
  // Additional data came with 1.4: in 1.2 it would be left out, and nothing would protect it.
  await assert.rejects(
    client.encrypt('a', secret('x'), { additional: Buffer.from('y') }),
    failsWith('version.unsupported'),
  );
  assert.deepEqual(started.seen, ['Discover Versions']);
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`${version} is spoken`, async (t) => {
    const started = await fake(t, honest, { tls: { minVersion: version, maxVersion: version } });
    await gets(one(t, { port: started.port }));
    const { protocol } = await fetchServerCertificate({ host: '127.0.0.1', port: started.port });
    assert.equal(protocol, version);
  });

test('TLS 1.1 is not spoken, and 1.2 not when 1.3 is asked for', async (t) => {
  const old = await fake(t, honest, {
    tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
  });
  await assert.rejects(gets(one(t, { port: old.port })), failsWith('server.untrusted'));
  const two = await fake(t, honest, { tls: { maxVersion: 'TLSv1.2' } });
  await assert.rejects(
    gets(one(t, { port: two.port }, { tls: { minVersion: 'TLSv1.3' } })),
    failsWith('server.untrusted'),
  );
});

test('suites with RSA key exchange are spoken only when that is asked for', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const sans = { ip: ['127.0.0.1'] };
  const certificate = await issue({ authority, publicKey, subject: 'old', sans, usages: ['server'], ...validity });
  for (const ciphers of ['AES256-SHA256', 'AES128-SHA256', 'AES128-SHA']) {
    const tls = { maxVersion: 'TLSv1.2', ciphers } as const;
    const old = await fake(t, honest, { certificate, key: privateKeyPem(privateKey as KeyObject), tls });
    await assert.rejects(gets(one(t, { port: old.port })), failsWith('server.untrusted'), ciphers);
    await gets(one(t, { port: old.port }, { tls: { legacyRsa: true } }));
  }
});

test('certificates of any kind: the one shown is pinned, or is issued by one of them for this name', async (t) => {
  const { publicKey, privateKey } = newKeyPair();
  const self = await createAuthority({ name: 'self', privateKey, ...validity });
  assert.ok(publicKey !== undefined);
  const pinned = await fake(t, honest, { certificate: self.certificatePem, key: privateKeyPem(privateKey) });
  const issued = await fake(t, honest);
  const trust = { certificates: [self.certificatePem, authority.certificatePem] };
  for (const { port } of [pinned, issued]) await gets(one(t, { port, trust }));
  const renamed = await identity('server', { ip: ['192.0.2.1'] });
  const wrong = await fake(t, honest, { certificate: renamed.certificate, key: privateKeyPem(renamed.key) });
  await assert.rejects(gets(one(t, { port: wrong.port, trust })), failsWith('server.untrusted'));
  await assert.rejects(
    gets(one(t, { port: issued.port, trust: { certificates: [self.certificatePem] } })),
    failsWith('server.untrusted'),
  );
  assert.deepEqual(wrong.seen, []);
  assert.throws(() => one(t, { port: 1, trust: { certificates: [] } }), /at least one certificate/);
  const several = { pin: ['00'.repeat(32), fingerprint(parseCertificate(server.certificate))] };
  await gets(one(t, { port: issued.port, trust: several }));
});

test('the client key may be PEM in a Secret, which stays its owner’s', async (t) => {
  const started = await fake(t, honest, { tls: { ca: authority.certificatePem, rejectUnauthorized: true } });
  using key = secret(privateKeyPem(own.key));
  await gets(one(t, { port: started.port }, { key }));
  assert.ok(key.length > 0);
  await gets(one(t, { port: started.port }));
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`over ${version} a server that refuses our certificate has carried nothing out`, async (t) => {
    const stranger = await createAuthority({ name: 'stranger', ...validity });
    const tls = { ca: stranger.certificatePem, rejectUnauthorized: true, minVersion: version, maxVersion: version };
    const refusing = await fake(t, honest, { tls });
    const client = one(t, { port: refusing.port }, { version: { major: 1, minor: 4 }, marker: false });
    const made = client.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] });
    await assert.rejects(made, (error: { code?: string }) => {
      // Node's server ends TLS 1.3 without an alert: then nothing says that it has not read the request.
      assert.match(String(error.code), /^server\.(untrusted|unreachable)$|^outcome\.unknown$/);
      return version === 'TLSv1.3' || error.code !== 'outcome.unknown';
    });
    assert.deepEqual(refusing.seen, []);
  });

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`over ${version} a stranger's certificate is read although it refuses clients without one`, async (t) => {
    const tls = { ca: authority.certificatePem, rejectUnauthorized: true, minVersion: version, maxVersion: version };
    const certificate = `${server.certificate}${authority.certificatePem}`;
    const started = await fake(t, honest, { certificate, tls });
    const { chain, nameMismatch } = await fetchServerCertificate({ host: '127.0.0.1', port: started.port });
    assert.deepEqual(
      chain.map(({ subject, selfSigned, ca }) => ({ subject, selfSigned, ca })),
      [
        { subject: 'CN=server', selfSigned: false, ca: false },
        { subject: 'CN=test', selfSigned: true, ca: true },
      ],
    );
    assert.equal(
      chain[0]?.fingerprint.replaceAll(':', '').toLowerCase(),
      fingerprint(parseCertificate(server.certificate)),
    );
    assert.equal(nameMismatch, undefined);
    assert.deepEqual(started.seen, []);
    await gets(one(t, { port: started.port, trust: { certificates: [chain[0]!.pem] } }));
    const other = await fetchServerCertificate({ host: '127.0.0.1', port: started.port, serverName: 'kms.example' });
    assert.match(String(other.nameMismatch), /kms\.example/);
  });

test('pipelining: several requests on one connection, answers in order', async (t) => {
  const script: Script = (request, n) => honest(request, n);
  const started = await fake(t, script);
  const client = one(t, { port: started.port }, { connections: 1, pipeline: 8 });
  const keys = await Promise.all(Array.from({ length: 200 }, () => client.get('a')));
  for (const key of keys) key[Symbol.dispose]();
  assert.equal(started.connections(), 1);
});

test('pipelining: answers in another order end the connection, and no key is taken for another', async (t) => {
  const held: Buffer[] = [];
  const script: Script = (request, n) => {
    held.push(honest(request, n) as Buffer);
    if (held.length < 2) return 'silence';
    return Buffer.concat(held.splice(0).reverse());
  };
  const started = await fake(t, script);
  const client = one(t, { port: started.port }, { connections: 1, pipeline: 8, tryTimeout: 1000, timeout: 1000 });
  const results = await Promise.allSettled([client.get('a'), client.get('a')]);
  assert.ok(results.every(({ status }) => status === 'rejected'));
});

test('pipelining: the answer to a later request is not taken for an earlier one; the later one is asked again', async (t) => {
  let asked = 0;
  const script: Script = (request, n) => (asked++ === 1 ? 'silence' : honest(request, n));
  const started = await fake(t, script);
  const client = one(t, { port: started.port }, { connections: 1, pipeline: 4, tryTimeout: 300 });
  await gets(client);
  const results = await Promise.allSettled([client.get('a'), client.get('a')]);
  assert.deepEqual(
    results.map((each) => (each.status === 'rejected' ? each.reason.code : each.status)),
    ['answer.invalid', 'fulfilled'],
  );
});

test('an idle connection is closed after its time', async (t) => {
  const started = await fake(t, honest);
  const client = clientOf(t, [started], trusted, { idle: 50 });
  await gets(client);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await gets(client);
  assert.equal(started.connections(), 2);
});

test('when all connections are busy for too long, that is said', async (t) => {
  const started = await fake(t, () => 'silence');
  const client = clientOf(t, [started], trusted, { connections: 1, tryTimeout: 300, timeout: 300 });
  const results = await Promise.allSettled([client.get('a'), client.get('a')]);
  const codes = results.map((each) => (each.status === 'rejected' ? each.reason.code : each.status));
  assert.ok(codes.includes('server.timeout'), String(codes));
});
