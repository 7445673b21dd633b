import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { createServer, type Socket, connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { base64url } from '@vouchsafe/bytes/base64url';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { challengeHeader } from '@vouchsafe/domain/attestation/messages';
import { SoftwareTpm } from '@vouchsafe/tpm2/testing/software-tpm';
import type { HostConfig } from '../config/host.ts';
import { pathsOf } from '../config/paths.ts';
import { HttpClient } from '../http/client.ts';
import type { Running } from '../part.ts';

process.env.VOUCHSAFE_LOG_LEVEL = 'silent';
const { serveAttestd } = await import('../attestd/serve.ts');
const { serveHost } = await import('../host/serve.ts');
const { serveProxy } = await import('./serve.ts');

const requestOf = (tpm: SoftwareTpm) => ({
  ek: { public: base64url(tpm.ekPublic), intermediates: [] },
  ak: base64url(tpm.ak.publicArea),
  banks: ['sha256'],
});

describe('a Trust Authority host that somebody floods', () => {
  let folder: string;
  let config: HostConfig;
  let ca: string;
  const running: Running[] = [];
  /** Some that are served and some that wait: no reason not to end. */
  const left: Socket[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'flood-'));
    const listen = `127.0.0.1:${await freePort()}`;
    config = { role: 'trust-authority', name: 'ta-1', state: join(folder, 's'), run: join(folder, 'r'), listen };
    running.push(await serveHost(config));
    running.push(await serveAttestd(config), await serveProxy(config));
    ca = readFileSync(pathsOf(config).groupCa, 'utf8');
  });
  after(async () => {
    for (const each of running.reverse()) await each.close();
    for (const socket of left) socket.destroy();
    rmSync(folder, { recursive: true });
  });

  async function post(
    path: string,
    body: string | Buffer,
    headers: RequestOptions['headers'] = {},
    from = '127.0.0.1',
  ) {
    const options = { method: 'POST', path, ca, agent: false, headers, localAddress: from };
    const sent = httpsRequest(`https://${config.listen}`, options);
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    // Whoever is answered early may find the connection closed while it still writes.
    sent.on('error', () => undefined);
    sent.end(body);
    const [answer] = await answered;
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += chunk;
    return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], text };
  }

  const port = () => Number(config.listen.split(':')[1]);

  test('idle connections and headers that never end keep nobody out', async () => {
    const slow = Array.from({ length: 50 }, () =>
      tlsConnect({ port: port(), host: '127.0.0.1', ca, servername: 'x', checkServerIdentity: () => undefined }),
    );
    for (const socket of slow) socket.on('error', () => undefined);
    await Promise.all(slow.map((socket) => once(socket, 'secureConnect')));
    const idle = Array.from({ length: 1300 }, () => tcpConnect(port(), '127.0.0.1'));
    for (const socket of idle) socket.on('error', () => undefined);
    left.push(...idle.slice(100));
    for (const socket of slow) socket.write('POST /attestation/report HTTP/1.1\r\nHost: x\r\nX-A: ');
    const { status } = await post(
      '/attestation/challenge',
      JSON.stringify(requestOf(new SoftwareTpm())),
      {},
      '127.0.0.2',
    );
    assert.equal(status, 200);
    for (const socket of [...idle.slice(0, 100), ...slow] as Socket[]) socket.destroy();
  });

  test('evidence without a challenge of ours is answered before it is read, however large it is', async () => {
    const large = Buffer.alloc(40 * 1024 * 1024, 'A');
    const bad = await post('/attestation/report', large, { [challengeHeader]: 'a.b.c.d.e' }).catch((error) => error);
    assert.ok(bad.status === 409 || bad.code === 'EPIPE' || bad.code === 'ECONNRESET', String(bad));
    const none = await post('/attestation/report', large).catch((error) => error);
    assert.ok(none.status === 413 || none.code === 'EPIPE' || none.code === 'ECONNRESET', String(none));
  });

  test('compressed, deep, doubled and polluting JSON is refused as what it is', async () => {
    const request = JSON.stringify(requestOf(new SoftwareTpm()));
    const bomb = gzipSync(Buffer.alloc(10 * 1024 * 1024, ' '));
    const cases: [string | Buffer, object][] = [
      [gzipSync(request), { 'content-encoding': 'gzip' }],
      [bomb, { 'content-encoding': 'gzip' }],
      ['['.repeat(60_000), {}],
      [request.replace('{', '{"__proto__":{"isOurs":true},'), {}],
      [request.replace('"banks"', '"constructor":1,"banks"'), {}],
      [request.replace('"banks":["sha256"]', '"banks":["sha256"],"banks":["sha1"]'), {}],
      [request.replace('["sha256"]', '"256"'), {}],
      ['', {}],
      ['null', {}],
    ];
    for (const [body, headers] of cases) {
      const { status, text } = await post('/attestation/challenge', body, headers as RequestOptions['headers']);
      assert.equal(status, 400, `${String(body).slice(0, 60)}: ${text}`);
      assert.match(text, /vouchsafe\.input\.(?:malformed|invalid)/);
    }
    assert.equal(({} as { isOurs?: boolean }).isOurs, undefined);
  });

  test('a flood of challenges for made-up TPMs and for the EK of a victim leaves the victim its own', async () => {
    const victim = new SoftwareTpm();
    const admin = new HttpClient({ socket: pathsOf(config).admin('attestd') });
    await admin.call('POST', '/attestation/tpm2/endorsement-keys', { ek: ekHash(victim.ekPublic), name: 'victim' });
    await admin.close();
    const clients = Array.from({ length: 8 }, () => new HttpClient({ url: `https://${config.listen}`, ca }));
    const strangers = Array.from({ length: 20 }, () => requestOf(new SoftwareTpm()));
    const answers: Record<string, number> = {};
    let over = false;
    const flood = Array.from({ length: 64 }, async (_, i) => {
      for (let n = 0; n < 40 && !over; n++) {
        const body = n % 4 === 0 ? requestOf(victim) : strangers[(i + n) % strangers.length];
        const outcome = await clients[i % 8]!.call('POST', '/attestation/challenge', body).then(
          () => 'challenge',
          ({ kind, data }) => `${kind}${data.retry_after > 0 ? ' retry' : ''}`,
        );
        answers[outcome] = (answers[outcome] ?? 0) + 1;
      }
    });
    for (let n = 0; n < 10; n++) {
      const mine = await post('/attestation/challenge', JSON.stringify(requestOf(victim)), {}, '127.0.0.3');
      assert.equal(mine.status, 200, `${n}: ${mine.text}`);
    }
    await Promise.all(flood);
    over = true;
    for (const client of clients) await client.close();
    assert.deepEqual(
      Object.keys(answers).filter((outcome) => outcome !== 'challenge' && outcome !== 'server.busy retry'),
      [],
    );
    assert.ok((answers['server.busy retry'] ?? 0) > 0, `strangers are held back: ${JSON.stringify(answers)}`);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
