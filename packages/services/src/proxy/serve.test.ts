import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { HostConfig } from '../config/host.ts';
import { hostParts, pathsOf } from '../config/paths.ts';
import { HttpClient } from '../http/client.ts';
import { kmxaOperations } from '../kmxa/operations/table.ts';
import type { Running } from '../part.ts';

process.env.VOUCHSAFE_LOG_LEVEL = 'silent';
const { serveAttestd } = await import('../attestd/serve.ts');
const { serveHost } = await import('../host/serve.ts');
const { serveKmxd } = await import('../kmxd/serve.ts');
const { serveProxy } = await import('./serve.ts');
const { attestdOperations } = await import('../attestd/operations/table.ts');
const { kmxdOperations } = await import('../kmxd/operations/table.ts');

/** Every route of the management API, by part; nothing of the context is touched by asking. */
const adminRoutes = [
  ...attestdOperations({ store: {} } as never),
  ...kmxdOperations({ store: {} } as never),
  ...kmxaOperations({ store: {} } as never),
].map(({ method, path }) => ({ method, path: path.replaceAll(/:\w+/g, 'x') }));

describe('a Trust Authority host from outside', () => {
  let folder: string;
  let config: HostConfig;
  let ca: string;
  const running: Running[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'host-'));
    const listen = `127.0.0.1:${await freePort()}`;
    config = { role: 'trust-authority', name: 'ta-1', state: join(folder, 's'), run: join(folder, 'r'), listen };
    running.push(await serveHost(config));
    running.push(await serveAttestd(config), await serveKmxd(config), await serveProxy(config));
    ca = readFileSync(pathsOf(config).groupCa, 'utf8');
  });
  after(async () => {
    for (const each of running.reverse()) await each.close();
    rmSync(folder, { recursive: true });
  });

  const outside = (method: string, path: string) =>
    answerOf(httpsRequest(`https://${config.listen}`, { method, path, ca, agent: false }));
  const onSocket = (socketPath: string, method: string, path: string) =>
    answerOf(httpRequest({ socketPath, method, path, agent: false }));

  test('the proxy leads to the services and speaks with a certificate of the group', async () => {
    for (const path of ['/healthz', '/attestation/healthz', '/kms/healthz']) {
      assert.deepEqual(await outside('GET', path), { status: 200, text: '{"health":"OK"}' }, path);
    }
    const client = new HttpClient({ url: `https://${config.listen}`, ca });
    await assert.rejects(client.call('POST', '/attestation/challenge', { ek: 1 }), { kind: 'input.invalid' });
    await assert.rejects(client.call('POST', '/kms/decrypt', { items: [] }), { kind: 'token.invalid' });
    await client.close();
  });

  test('no route of administration is reached through the proxy or on a service socket', async () => {
    const { service } = pathsOf(config);
    assert.ok(adminRoutes.length > 30);
    for (const { method, path } of adminRoutes) {
      const answers = [
        await outside(method, path),
        await onSocket(service('attestd'), method, path),
        await onSocket(service('kmxd'), method, path),
      ];
      for (const { status, text } of answers) {
        assert.equal(status, 404, `${method} ${path}`);
        assert.match(text, /vouchsafe\.operation\.unknown/);
      }
    }
  });

  test('nor by spelling a path in another way', async () => {
    const spellings = [
      '/attestation/../kms/providers',
      '/attestation/%2e%2e/kms/providers',
      '/attestation/./raw-config',
      '//attestation/raw-config',
      '/attestation//raw-config',
      '/ATTESTATION/raw-config',
      '/attestation/raw-config/',
      '/kms/raw-config?type=BRIEF',
      '/kms/%72aw-config',
      '/host/status',
      '/host/certify',
      '/trusted-infrastructure/settings',
      '/hook/prepare/begin',
    ];
    for (const path of spellings) {
      const { status, text } = await outside('GET', path);
      assert.ok(status === 404 || status === 400, `${path}: ${status} ${text}`);
    }
  });

  test('sockets of administration, certification and hooks are their owner’s alone', () => {
    const { admin, certify, service } = pathsOf(config);
    const mode = (path: string) => statSync(path).mode & 0o777;
    for (const part of ['host', 'attestd', 'kmxd'] as const) assert.equal(mode(admin(part)), 0o600, part);
    for (const part of hostParts) assert.equal(mode(certify(part)), 0o600, part);
    for (const part of ['attestd', 'kmxd'] as const) assert.equal(mode(service(part)), 0o660, part);
    assert.equal(mode(config.run) & 0o077, 0);
  });

  test('the migration certificate of an attested host does not open the channel of members', async () => {
    const { newPair } = await import('@vouchsafe/domain/keys/jwk');
    const { privateKeyPem } = await import('@vouchsafe/domain/x509/pem');
    const { privateKey, publicKey } = newPair();
    const client = new HttpClient({ socket: pathsOf(config).certify('kmxd') });
    const order = { public_key: publicKey.export({ type: 'spki', format: 'pem' }), host: 'kvm1' };
    const { body } = await client.call('POST', '/host/migration-certificate', order);
    await client.close();
    const issued = body as { certificate: string; ca: string };
    const identity = { key: privateKeyPem(privateKey), cert: `${issued.certificate}${issued.ca}` };
    const options = { method: 'POST', path: '/member/primary-keys', ca, agent: false, ...identity };
    const { text } = await answerOf(httpsRequest(`https://${config.listen}`, options));
    assert.match(text, /members show a certificate of their group/);
  });

  test('a part gets a certificate of its own role only, whatever it asks for', async () => {
    const { certify } = pathsOf(config);
    const { X509Certificate } = await import('node:crypto');
    const { newPair } = await import('@vouchsafe/domain/keys/jwk');
    const { urisOf } = await import('@vouchsafe/domain/group/role');
    const public_key = newPair().publicKey.export({ type: 'spki', format: 'pem' });
    const roles = new Map([
      ['attestd', ['urn:vouchsafe:role:attestd']],
      ['kmxd', ['urn:vouchsafe:role:kmxd']],
      ['proxy', []],
    ] as const);
    for (const [part, uris] of roles) {
      const client = new HttpClient({ socket: certify(part) });
      const { body } = await client.call('POST', '/host/certify', { public_key, role: 'attestd', part: 'attestd' });
      assert.deepEqual(urisOf(new X509Certificate((body as { certificate: string }).certificate)), uris, part);
      await assert.rejects(client.call('POST', '/host/certify', { public_key: 'x' }), { kind: 'input.malformed' });
      await client.close();
    }
    const agent = new HttpClient({ socket: certify('kmxa') });
    await assert.rejects(agent.call('POST', '/host/certify', { public_key }), { kind: 'input.invalid' });
    await agent.close();
  });
});

async function answerOf(
  sent: import('node:http').ClientRequest,
): Promise<{ status: number | undefined; text: string }> {
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return { status: answer.statusCode, text };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
