import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** An HTTP proxy that opens tunnels, and what it was asked for. */
export interface ConnectProxy {
  readonly port: number;
  /** Targets, in order. */
  readonly asked: string[];
}

/** Starts a proxy that ends with the test; with `wanted`, only for whoever sends exactly these credentials. */
export async function connectProxy(t: TestContext, wanted?: string): Promise<ConnectProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    return socket;
  };
  const server = createServer();
  server.on('connect', (request, near, head) => {
    keep(near as Socket);
    asked.push(request.url ?? '');
    const basic = `Basic ${Buffer.from(wanted ?? '').toString('base64')}`;
    if (wanted !== undefined && request.headers['proxy-authorization'] !== basic) {
      near.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const far = keep(connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }));
    far.once('connect', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.write(head);
      far.pipe(near).pipe(far);
    });
    far.once('error', () => near.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, asked };
}
