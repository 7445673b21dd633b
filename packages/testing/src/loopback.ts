import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { TestingError } from './error.ts';

/** libvirtd's TLS port. */
export const libvirtTlsPort = 16514;

/**
 * A loopback network that nobody uses, so that several runs stand side by side on one machine.
 * @returns the address of the host with a number, 1 to 254
 */
export async function freeLoopbackNetwork(): Promise<(host: number) => string> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const prefix = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`;
    if (await isFree(`${prefix}.1`)) return (host) => `${prefix}.${host}`;
  }
  throw new TestingError('not-ready', `no free loopback network: port ${libvirtTlsPort} is taken everywhere`);
}

function isFree(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: address, port: libvirtTlsPort, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
