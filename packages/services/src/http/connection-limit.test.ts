import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { ConnectionLimit } from './connection-limit.ts';

const turn = () => new Promise((done) => setImmediate(done));
const connect = (limit: ConnectionLimit, source: string): PassThrough => {
  const socket = new PassThrough();
  limit.admit(socket as unknown as Socket, source);
  return socket;
};

test('a flood of idle connections from one source closes its own oldest, and turns its newest away', async () => {
  const limit = new ConnectionLimit(10);
  const flood = Array.from({ length: 12 }, () => connect(limit, 'attacker'));
  assert.deepEqual(
    flood.map(({ destroyed }) => destroyed),
    [...Array(10).fill(false), true, true],
  );
  const victims = Array.from({ length: 4 }, (_, i) => connect(limit, `victim ${i}`));
  await turn();
  assert.ok(victims.every(({ destroyed }) => !destroyed));
  assert.deepEqual(
    flood.slice(0, 5).map(({ destroyed }) => destroyed),
    [true, true, true, true, false],
  );
  assert.equal(limit.count, 10);
});

test('who has one connection keeps it, however many others come', async () => {
  const limit = new ConnectionLimit(3);
  const first = ['a', 'b', 'c'].map((source) => connect(limit, source));
  const later = ['d', 'e'].map((source) => connect(limit, source));
  await turn();
  assert.deepEqual(
    [first, later].map((all) => all.map(({ destroyed }) => destroyed)),
    [
      [false, false, false],
      [true, true],
    ],
  );
  first[0]!.destroy();
  await turn();
  assert.equal(limit.count, 2);
  assert.equal(connect(limit, 'd').destroyed, false);
});
