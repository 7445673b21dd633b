import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpClient } from './client.ts';

test('requests one after the other share a connection, those at once do not wait for each other', async () => {
  let connections = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', async () => {
      if (request.url === '/slow') await sleep(100);
      response.writeHead(request.url === '/refused' ? 404 : 200, { 'content-type': 'application/json' });
      response.end('{"answer":"'.padEnd(100_000, 'x').concat('"}'));
    });
  }).on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new HttpClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ca: '' });
  try {
    for (let i = 0; i < 5; i++) await client.call('POST', '/', { i });
    await assert.rejects(client.call('GET', '/refused'));
    await client.call('POST', '/', {});
    assert.equal(connections, 1);
    const order: string[] = [];
    await Promise.all(['/slow', '/'].map((path) => client.call('GET', path).then(() => order.push(path))));
    assert.deepEqual(order, ['/', '/slow']);
    assert.equal(connections, 2);
  } finally {
    await client.close();
    server.close();
  }
});
