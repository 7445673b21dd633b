import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { problem } from '@vouchsafe/domain/testing/problem';
import pino from 'pino';
import { BodyBudget } from './body-budget.ts';
import { HttpClient } from './client.ts';
import { httpServer, listenOnSocket } from './server.ts';

test('the largest body gives way, whoever came last; one that was released counts no more', async () => {
  const budget = new BodyBudget(100);
  const bodies = [60, 30, 20].map((bytes) => ({ bytes, body: new PassThrough() }));
  const ended = once(bodies[0]!.body, 'error');
  for (const { body, bytes } of bodies) {
    budget.watch(body);
    body.write('x'.repeat(bytes));
  }
  await assert.rejects(
    ended.then(([error]) => Promise.reject(error)),
    problem('server.busy', /too many large requests/),
  );
  assert.deepEqual(
    bodies.map(({ body }) => body.destroyed),
    [true, false, false],
  );
  const [, second, third] = bodies;
  budget.release(second!.body);
  third!.body.write('x'.repeat(80));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(third!.body.destroyed, false, '100 bytes are held');
});

test('a body that is sent slowly and never ends does not keep others out', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'budget-'));
  const socketPath = join(folder, 's');
  const server = httpServer(
    [{ method: 'POST', path: '/echo', bodyLimit: 1024 * 1024, handle: ({ body }) => ({ body }) }],
    pino({ level: 'silent' }),
    { bodies: 300_000 },
  );
  const listening = await listenOnSocket(server, socketPath);
  t.after(async () => {
    await listening.close();
    rmSync(folder, { recursive: true });
  });
  const slow = request({ socketPath, method: 'POST', path: '/echo', headers: { 'content-length': 900_000 } });
  const cut = once(slow, 'error');
  slow.write('x'.repeat(250_000));
  const client = new HttpClient({ socket: socketPath });
  t.after(() => client.close());
  const wanted = { text: 'y'.repeat(200_000) };
  assert.deepEqual((await client.call('POST', '/echo', wanted)).body, wanted);
  assert.equal((await cut)[0].code, 'ECONNRESET');
  for (let i = 0; i < 3; i++) assert.deepEqual((await client.call('POST', '/echo', wanted)).body, wanted);
});
