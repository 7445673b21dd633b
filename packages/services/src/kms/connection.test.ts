import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import test from 'node:test';
import type { TLSSocket } from 'node:tls';
import { discoverVersions } from '@vouchsafe/kmip/operations/discover-versions';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { serveConnection } from './connection.ts';
import { defaultLimits } from './limits.ts';

const limits = defaultLimits;
const message = () => requestMessage([asking(discoverVersions, { versions: [] })]);

/** A socket whose peer takes answers or does not. */
class FakeSocket extends EventEmitter {
  taking = true;
  paused = false;
  written = 0;
  write(): boolean {
    this.written++;
    return this.taking;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  setTimeout(): void {}
  destroy(): void {
    this.emit('close');
  }
  destroySoon(): void {}
}

const serve = (close = false) => {
  const socket = new FakeSocket();
  const answers: number[] = [];
  serveConnection(
    socket as unknown as TLSSocket,
    async (octets) => {
      answers.push(octets.length);
      return { message: Buffer.alloc(8), close };
    },
    limits,
  );
  return { socket, answers };
};

test('a client that does not take its answers is not read from any more, until it does', async () => {
  const { socket, answers } = serve();
  socket.taking = false;
  socket.emit('data', Buffer.concat([message(), message(), message()]));
  await new Promise((done) => setImmediate(done));
  assert.equal(answers.length, 1);
  assert.equal(socket.paused, true);
  socket.taking = true;
  socket.emit('drain');
  await new Promise((done) => setImmediate(done));
  assert.equal(answers.length, 3);
  assert.equal(socket.paused, false);
});

test('nothing is answered after an answer that ends the connection', async () => {
  const { socket, answers } = serve(true);
  socket.emit('data', Buffer.concat([message(), message()]));
  socket.emit('data', message());
  socket.emit('drain');
  await new Promise((done) => setImmediate(done));
  assert.equal(answers.length, 1);
});
