import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { ConnectionLimit } from './connection-limit.ts';

const turn = () => new Promise((done) => setImmediate(done));
const limits = (served: number, waiting: number) => ({ served, waiting, patience: 1000 });
const served = new WeakSet<PassThrough>();
const connect = (limit: ConnectionLimit, source: string): PassThrough => {
  const socket = new PassThrough();
  limit.admit(socket as unknown as Socket, source, () => void served.add(socket));
  return socket;
};
/** What became of a connection. */
const stateOf = (socket: PassThrough) => (socket.destroyed ? 'closed' : served.has(socket) ? 'served' : 'waits');
const states = (sockets: readonly PassThrough[]) => sockets.map(stateOf);

test('a flood of idle connections from one source waits, and its oldest are closed for others', async () => {
  const limit = new ConnectionLimit(limits(10, 2));
  const flood = Array.from({ length: 14 }, () => connect(limit, 'attacker'));
  assert.deepEqual(states(flood), [...Array(10).fill('served'), 'waits', 'waits', 'closed', 'closed']);
  const victims = Array.from({ length: 4 }, (_, i) => connect(limit, `victim ${i}`));
  await turn();
  assert.deepEqual(states(victims), Array(4).fill('served'));
  assert.deepEqual(states(flood.slice(0, 12)), [
    ...Array(4).fill('closed'),
    ...Array(6).fill('served'),
    'waits',
    'waits',
  ]);
  assert.deepEqual([limit.count, limit.waiting], [10, 2]);
});

test('who has one connection keeps it, however many others come; they wait, and take turns by source', async () => {
  const limit = new ConnectionLimit(limits(3, 4));
  const first = ['a', 'b', 'c'].map((source) => connect(limit, source));
  const later = ['d', 'd', 'd', 'e'].map((source) => connect(limit, source));
  await turn();
  assert.deepEqual(states([...first, ...later]), [...Array(3).fill('served'), ...Array(4).fill('waits')]);
  for (const expected of [
    ['served', 'waits', 'waits', 'waits'],
    ['served', 'waits', 'waits', 'served'],
    ['served', 'served', 'waits', 'served'],
  ]) {
    first.shift()!.destroy();
    await turn();
    assert.deepEqual(states(later), expected);
  }
  assert.deepEqual([limit.count, limit.waiting], [3, 1]);
});

test('where all places to wait are taken, the source with most of them gives its last to another', () => {
  const limit = new ConnectionLimit(limits(1, 3));
  connect(limit, 'z');
  const flood = Array.from({ length: 3 }, () => connect(limit, 'attacker'));
  const victim = connect(limit, 'victim');
  assert.deepEqual(states([...flood, victim]), ['waits', 'waits', 'closed', 'waits']);
  assert.equal(stateOf(connect(limit, 'attacker')), 'closed');
  assert.equal(limit.waiting, 3);
});

test('nobody is served who has given up', async () => {
  let now = 0;
  const limit = new ConnectionLimit(limits(1, 9), () => now);
  const first = connect(limit, 'a');
  const tired = [connect(limit, 'a'), connect(limit, 'a'), connect(limit, 'b')];
  now = 1001;
  const late = connect(limit, 'b');
  first.destroy();
  await turn();
  assert.deepEqual(states([...tired, late]), ['closed', 'closed', 'closed', 'served']);
  assert.deepEqual([limit.count, limit.waiting], [1, 0]);
});
