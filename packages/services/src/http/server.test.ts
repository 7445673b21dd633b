import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Problem } from '@vouchsafe/domain/problem';
import { problem } from '@vouchsafe/domain/testing/problem';
import pino from 'pino';
import { HttpClient } from './client.ts';
import { httpServer, type Listening, listenOnSocket, type Route } from './server.ts';

const log = pino({ level: 'silent' });
let folder = '';
let socket = '';
const open: Listening[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'http-'));
  socket = join(folder, 'part.sock');
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  rmSync(folder, { recursive: true });
});

async function serve(routes: readonly Route[], mode?: number): Promise<void> {
  open.push(await listenOnSocket(httpServer(routes, log), socket, mode));
}

const echo: Route = { method: 'POST', path: '/echo/:name', handle: ({ params, body }) => ({ body: { params, body } }) };

interface RawAnswer {
  status: number | undefined;
  type: string | undefined;
  text: string;
}

/** One request as it is, without the client. */
async function raw(method: string, path: string, body = '', headers: Record<string, string> = {}): Promise<RawAnswer> {
  const sent = httpRequest({ socketPath: socket, method, path, headers: { connection: 'close', ...headers } });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return {
    status: answer.statusCode,
    type: answer.headers['content-type'],
    text: Buffer.concat(chunks).toString(),
  };
}

test('a request comes with parameters and body, whatever type it says it has', async () => {
  await serve([echo]);
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
    const { status, text } = await raw('POST', '/echo/a%20b', '{"x":["ü"]}', { 'content-type': type });
    assert.deepEqual([status, JSON.parse(text)], [200, { params: { name: 'a b' }, body: { x: ['ü'] } }]);
  }
});

const refused: [name: string, method: string, path: string, body: string, status: number, id: string][] = [
  ['a path that there is not', 'POST', '/nothing', '{}', 404, 'operation.unknown'],
  ['a method that there is not', 'GET', '/echo/a', '', 404, 'operation.unknown'],
  ['text that is no JSON', 'POST', '/echo/a', '{', 400, 'input.malformed'],
  ['a name that stands twice', 'POST', '/echo/a', '{"a":1,"a":2}', 400, 'input.malformed'],
  ['deep nesting', 'POST', '/echo/a', '['.repeat(60_000), 400, 'input.malformed'],
  ['a body over the limit', 'POST', '/echo/a', JSON.stringify('x'.repeat(65536)), 413, 'input.too-large'],
  ['a parameter that is no UTF-8', 'POST', '/echo/%ff', '{}', 400, 'input.malformed'],
  ['a parameter that is too long', 'POST', `/echo/${'x'.repeat(513)}`, '{}', 400, 'input.malformed'],
];

test('what is refused is told in the form of the vendor, with the kind of the problem as id', async () => {
  await serve([echo]);
  for (const [name, method, path, body, status, id] of refused) {
    const answer = await raw(method, path, body, { 'content-type': 'application/json' });
    assert.equal(answer.status, status, name);
    assert.match(String(answer.type), /^application\/json/, name);
    const { error_type, messages } = JSON.parse(answer.text) as {
      error_type: string;
      messages: { id: string; default_message: string; args: string[] }[];
    };
    assert.match(error_type, /^[A-Z_]+$/, name);
    assert.equal(messages[0]?.id, `vouchsafe.${id}`, name);
  }
});

test('a fault of ours is told as internal, and nothing of it leaks', async () => {
  await serve([{ method: 'GET', path: '/fault', handle: () => Promise.reject(new TypeError('secret 4711')) }]);
  const { status, text } = await raw('GET', '/fault');
  assert.equal(status, 500);
  assert.match(text, /vouchsafe.internal/);
  assert.doesNotMatch(text, /4711/);
});

test('a problem comes over the socket as it was thrown, with its data', async () => {
  const data = { nonce: 'n-1' };
  await serve([
    { method: 'POST', path: '/p', handle: () => Promise.reject(new Problem('proof.nonce', 'now', { data })) },
  ]);
  const client = new HttpClient({ socket });
  await assert.rejects(client.call('POST', '/p', {}), (error: Problem) => {
    assert.deepEqual([error.kind, error.message, error.data], ['proof.nonce', 'now', data]);
    return true;
  });
  await client.close();
});

test('an empty answer is 204, a text answer is text, an iterable is a line for each item and its error the last', async () => {
  async function* items() {
    yield { n: 1 };
    yield { n: 2 };
    throw new Problem('disk.full', 'no space');
  }
  await serve([
    { method: 'DELETE', path: '/x', handle: () => ({}) },
    { method: 'GET', path: '/text', handle: () => ({ status: 403, text: 'no: ü' }) },
    { method: 'POST', path: '/lines', handle: () => ({ body: items() }) },
  ]);
  assert.equal((await raw('DELETE', '/x')).status, 204);
  assert.deepEqual(await raw('GET', '/text'), { status: 403, type: 'text/plain; charset=utf-8', text: 'no: ü' });
  const client = new HttpClient({ socket });
  const seen: unknown[] = [];
  await assert.rejects(
    async () => {
      for await (const item of client.stream('POST', '/lines', {})) seen.push(item);
    },
    problem('disk.full', /no space/),
  );
  assert.deepEqual(seen, [{ n: 1 }, { n: 2 }]);
  await client.close();
});

test('a socket has the mode that was asked for, and the mask of the process stays as it was', async () => {
  const mask = process.umask();
  const paths = ['a', 'b', 'c'].map((name) => join(folder, name));
  open.push(...(await Promise.all(paths.map((path) => listenOnSocket(httpServer([], log), path)))));
  for (const path of paths) assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(process.umask(), mask);
  await serve([], 0o660);
  assert.equal(statSync(socket).mode & 0o777, 0o660);
});

test('nobody can connect between bind and chmod', async () => {
  const mask = process.umask(0);
  try {
    const listening = listenOnSocket(httpServer([], log), socket, 0o666);
    while (!existsSync(socket)) await new Promise((done) => setImmediate(done));
    const first = statSync(socket).mode & 0o777;
    open.push(await listening);
    assert.ok((first & 0o077) === 0 || first === 0o666, `mode ${first.toString(8)}`);
  } finally {
    process.umask(mask);
  }
});

test('a socket that a dead process left is replaced, a live one and anything else is not', async () => {
  const dead = createNetServer().listen(socket);
  await once(dead, 'listening');
  const kept = join(folder, 'kept.sock');
  const { linkSync } = await import('node:fs');
  linkSync(socket, kept);
  dead.close();
  await once(dead, 'close');
  linkSync(kept, socket);
  await serve([echo]);
  assert.equal((await raw('POST', '/echo/a', '1')).status, 200);
  await assert.rejects(listenOnSocket(httpServer([], log), socket), problem('config.invalid', /another process/));
  const file = join(folder, 'file.sock');
  writeFileSync(file, 'precious');
  await assert.rejects(listenOnSocket(httpServer([], log), file), problem('config.invalid', /expected a socket/));
  assert.ok(existsSync(file));
});

test('many requests on one connection leave nothing behind on it', async () => {
  const warnings: Error[] = [];
  const heard = (warning: Error) => warnings.push(warning);
  process.on('warning', heard);
  await serve([echo]);
  const client = new HttpClient({ socket });
  for (let i = 0; i < 25; i++) await client.call('POST', '/echo/a', { i });
  await client.close();
  await new Promise((done) => setImmediate(done));
  process.off('warning', heard);
  assert.deepEqual(
    warnings.map(({ message }) => message),
    [],
  );
});

test('the signal of a request fires when the caller goes away, and not when it was answered', async () => {
  const aborted: string[] = [];
  const arrived = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await serve([
    echo,
    {
      method: 'POST',
      path: '/wait/:name',
      async handle({ params, signal }) {
        signal.addEventListener('abort', () => {
          aborted.push(String(params.name));
          gone.resolve();
        });
        if (params.name === 'short') return { body: 1 };
        arrived.resolve();
        await gone.promise;
        return { body: 2 };
      },
    },
  ]);
  await raw('POST', '/wait/short', '1');
  const sent = httpRequest({ socketPath: socket, method: 'POST', path: '/wait/long' });
  sent.on('error', () => undefined);
  sent.end('1');
  await arrived.promise;
  sent.destroy();
  await gone.promise;
  assert.deepEqual(aborted, ['long']);
});

test('a character that lies across two chunks of an answer stays whole', async () => {
  const text = Buffer.from('{"text":"grün 🔒"}\n');
  const server = createServer((_request, response) => {
    let at = 0;
    const next = () => {
      if (at === text.length) return response.end();
      response.write(text.subarray(at, ++at));
      return setImmediate(next);
    };
    next();
  }).listen(socket);
  await once(server, 'listening');
  const client = new HttpClient({ socket });
  assert.deepEqual((await client.call('GET', '/')).body, { text: 'grün 🔒' });
  const lines: unknown[] = [];
  for await (const line of client.stream('GET', '/')) lines.push(line);
  assert.deepEqual(lines, [{ text: 'grün 🔒' }]);
  await client.close();
  server.closeAllConnections();
  server.close();
});

test('an answer that is too long, no JSON or not there is told as unreachable', async () => {
  const bodies = [JSON.stringify('x'.repeat(5000)), '<html>', '{"a":'];
  const server = createServer((_request, response) => response.end(bodies.shift())).listen(socket);
  await once(server, 'listening');
  const client = new HttpClient({ socket }, { limit: 4096 });
  for (let i = 0; i < 3; i++) await assert.rejects(client.call('GET', '/'), problem('service.unreachable'));
  await client.close();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  const late = new HttpClient({ socket });
  await assert.rejects(late.call('GET', '/'), problem('service.unreachable', /part\.sock/));
  await late.close();
});

test('a request that is not admitted is answered before its body is read, and others may send what they were granted', async () => {
  let read = 0;
  const guarded: Route = {
    method: 'POST',
    path: '/guarded',
    bodyLimit: 1 << 20,
    admit({ headers: { 'x-pass': pass } }) {
      if (pass === undefined) throw new Problem('challenge.elsewhere', 'no pass');
      return { bodyLimit: Number(pass), admitted: `as ${pass}` };
    },
    handle({ admitted, raw }) {
      read += raw.length;
      return { body: { admitted } };
    },
  };
  await serve([guarded]);
  const body = JSON.stringify('x'.repeat(1000));
  assert.equal((await raw('POST', '/guarded', body)).status, 409);
  assert.equal((await raw('POST', '/guarded', body, { 'x-pass': '1001' })).status, 413);
  assert.equal(read, 0);
  assert.deepEqual(JSON.parse((await raw('POST', '/guarded', body, { 'x-pass': '1002' })).text), {
    admitted: 'as 1002',
  });
  assert.equal(read, 1002);
});

test('a body of unknown length ends where it exceeds what was granted', async () => {
  const granted: Route = {
    method: 'POST',
    path: '/granted',
    bodyLimit: 1 << 20,
    admit: () => ({ bodyLimit: 1000 }),
    handle: () => assert.fail('it was read'),
  };
  await serve([granted]);
  const sent = httpRequest({ socketPath: socket, method: 'POST', path: '/granted' });
  const ended = once(sent, 'error');
  sent.write('x'.repeat(600));
  await new Promise((done) => setImmediate(done));
  sent.write('x'.repeat(600));
  const [error] = await ended;
  assert.equal(error.code, 'ECONNRESET');
});

test('a problem that names a time to wait tells it in Retry-After', async () => {
  const busy: Route = {
    method: 'GET',
    path: '/busy',
    handle() {
      throw new Problem('server.busy', 'come back', { data: { retry_after: 7 } });
    },
  };
  await serve([busy]);
  const client = new HttpClient({ socket });
  const error = await client.call('GET', '/busy').then(
    () => undefined,
    (failure) => failure,
  );
  assert.deepEqual([error.kind, error.data, error.headers['retry-after']], ['server.busy', { retry_after: 7 }, '7']);
  await client.close();
});
