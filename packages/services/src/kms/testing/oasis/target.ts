import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { Framer } from '@vouchsafe/kmip/ttlv/framer';
import { type KmsFixture, kmsFixture } from '../fixture.ts';
import type { Target } from './player.ts';

/** The embedded key server, with a clock that stands still, and a client of its own for each run. */
export interface OasisServer {
  /** A new client, which sees no objects of others, connected over TLS. */
  target(name: string): Promise<Target & Disposable>;
  close(): Promise<void>;
}

/** Starts a key server for cases. */
export async function oasisServer(): Promise<OasisServer> {
  const clock = { now: Math.floor(Date.now() / 1000) * 1000 };
  const fixture = await kmsFixture({ now: () => new Date(clock.now) });
  return {
    target: (name) => connected(fixture, name, clock),
    close: () => fixture.close(),
  };
}

async function connected(fixture: KmsFixture, name: string, clock: { now: number }): Promise<Target & Disposable> {
  const files = await fixture.addClient(name);
  const socket = connect({
    ...fixture.kms.address,
    ca: readFileSync(files.authority),
    cert: readFileSync(files.certificate),
    key: readFileSync(files.key),
  });
  const framer = new Framer('Response Message');
  const chunks = socket[Symbol.asyncIterator]();
  await once(socket, 'secureConnect');
  return {
    async ask(octets) {
      socket.write(octets);
      for (;;) {
        const message = framer.next();
        if (message !== undefined) return Buffer.from(message);
        const { value, done } = await chunks.next();
        if (done) throw new Error('the connection ended');
        framer.push(value);
      }
    },
    now: () => new Date(clock.now),
    advance(seconds) {
      clock.now += seconds * 1000;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
