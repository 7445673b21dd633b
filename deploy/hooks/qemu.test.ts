import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';

import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const hook = fileURLToPath(new URL('qemu', import.meta.url));
const withKeysafe = `<domain><metadata><vs:keysafe xmlns:vs="urn:vouchsafe:keysafe:1">{}</vs:keysafe></metadata></domain>`;
const skip = process.getuid?.() === 0 ? false : 'needs root, since the hook writes below /run';

interface Asked {
  readonly url: string;
  readonly body: string;
}

/** An agent that answers every question alike and remembers them. */
async function agent(status: number, answer: string) {
  const directory = mkdtempSync(join(tmpdir(), 'vouchsafe-hook-'));
  const asked: Asked[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    asked.push({ url: request.url ?? '', body: await text(request) });
    response.writeHead(status).end(answer);
  });
  const socket = join(directory, 'hook.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    asked,
    socket,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true });
    },
  };
}

function run(socket: string, args: readonly string[], input = withKeysafe) {
  const child = spawn('dash', [hook, ...args], { env: { VOUCHSAFE_HOOK_SOCKET: socket } });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => {
    said.stdout += bytes;
  });
  child.stderr.on('data', (bytes) => {
    said.stderr += bytes;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, ...said })),
  );
}

const nowhere = join(tmpdir(), 'vouchsafe-no-agent.sock');

test('the agent gets operation, name and XML, and nothing of the name is a command', { skip }, async () => {
  await using one = await agent(200, 'ok');
  const names = ['plain', `a b&c=d?/../%2f'"\\$(touch x)\`id\`;#`, 'Jürgen', '-e', 'line\nbreak'];
  for (const name of names)
    assert.deepEqual(await run(one.socket, [name, 'prepare', 'begin', '-']), { code: 0, stdout: '', stderr: '' });
  const urls = one.asked.map(({ url }) => new URL(url, 'http://agent'));
  assert.deepEqual(
    urls.map((url) => url.searchParams.get('name')),
    names,
  );
  assert.ok(urls.every((url) => url.pathname === '/hook/prepare/begin' && url.hash === ''));
  assert.ok(one.asked.every(({ body }) => body === withKeysafe));
});

test('a refusal reaches the user as one line', { skip }, async () => {
  await using one = await agent(403, 'disk vda:\nhost is \u001b[31mnot attested\r\n');
  for (const operation of ['prepare', 'migrate', 'restore']) {
    const { code, stdout, stderr } = await run(one.socket, ['vm', operation, 'begin', '-']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^vouchsafe: disk vda: host is \s?\[31mnot attested ?\n$/);
  }
});

test('an agent that does not answer is named with what to do', { skip }, async () => {
  const { code, stderr } = await run(nowhere, ['vm', 'prepare', 'begin', '-']);
  assert.equal(code, 1);
  assert.match(stderr, /^vouchsafe: the agent does not answer \(.+\): see `vouchsafe host status`\n$/);
});

test('a running domain is never harmed', { skip }, async () => {
  await using one = await agent(500, 'no');
  for (const operation of ['started', 'release', 'reconnect'])
    for (const socket of [one.socket, nowhere])
      assert.equal((await run(socket, ['vm', operation, 'begin', '-'])).code, 0);
  assert.equal(one.asked.length, 3);
});

test('a domain without a key safe needs no agent', { skip }, async () => {
  assert.deepEqual(await run(nowhere, ['vm', 'prepare', 'begin', '-'], '<domain/>'), {
    code: 0,
    stdout: '',
    stderr: '',
  });
  assert.equal((await run(nowhere, ['vm', 'prepare', 'begin', '-'], ' '.repeat(3 << 20))).code, 0);
});

test('a domain that names a secret is shown to the agent, and starts without one that is not there', {
  skip,
}, async () => {
  const naming = [
    "<domain><devices><disk><encryption><secret type='passphrase' uuid='u'/></encryption></disk></devices></domain>",
    "<domain><devices><tpm><backend><encryption secret='u'/></backend></tpm></devices></domain>",
  ];
  for (const xml of naming) {
    await using one = await agent(403, 'it is of another domain');
    assert.deepEqual(await run(one.socket, ['vm', 'prepare', 'begin', '-'], xml), {
      code: 1,
      stdout: '',
      stderr: 'vouchsafe: it is of another domain\n',
    });
    assert.equal((await run(nowhere, ['vm', 'prepare', 'begin', '-'], xml)).code, 0);
  }
});

test('operations that nobody decides about pass', { skip }, async () => {
  for (const operation of ['start', 'stopped', 'attach', ''])
    assert.equal((await run(nowhere, ['vm', operation, 'begin', '-'])).code, 0);
});

test('an XML that is too large is refused', { skip }, async () => {
  await using one = await agent(200, 'ok');
  const { code, stderr } = await run(one.socket, ['vm', 'prepare', 'begin', '-'], withKeysafe + ' '.repeat(1 << 20));
  assert.equal(code, 1);
  assert.match(stderr, /larger than 1048576 bytes/);
  assert.equal(one.asked.length, 0);
});
