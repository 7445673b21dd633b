import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a relay does with the next request that passes. */
export type Fault =
  /** The server carries it out; the connection dies before the answer arrives. */
  | 'lose-answer'
  /** It never arrives: the connection dies. */
  | 'lose-request'
  /** The server carries it out; nothing comes back, and nothing says so. */
  | 'silence'
  /** The server carries it out; somebody on the way turns a bit of the answer. */
  | 'forge-answer';

/** A TCP relay in front of a server, for faults that only the network makes. TLS passes through it unread. */
export interface FaultyRelay {
  readonly port: number;
  /** Faults for the next requests on connections that are made, in order. */
  readonly faults: Fault[];
  /** Refuses connections and ends those that are there, until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a relay on a free port of 127.0.0.1 that leads to another one. */
export async function faultyRelay(target: number): Promise<FaultyRelay> {
  const faults: Fault[] = [];
  const sockets = new Set<Socket>();
  const serve = (near: Socket) => {
    const far = connect({ host: '127.0.0.1', port: target });
    let settled = false;
    let fault: Fault | undefined;
    for (const each of [near, far]) {
      sockets.add(each);
      each.on('error', () => {});
      each.on('close', () => {
        sockets.delete(each);
        near.destroy();
        if (fault === undefined) far.destroy();
      });
    }
    near.on('data', (chunk) => {
      // Before the server has answered anything twice, what passes is TLS being set up.
      if (settled && fault === undefined) fault = faults.shift();
      if (fault === 'lose-request') near.destroy();
      else far.write(chunk);
    });
    let answers = 0;
    far.on('data', (chunk) => {
      if (fault === 'lose-answer') near.destroy();
      if (fault === 'forge-answer') {
        chunk[chunk.length - 1]! ^= 1;
        near.write(chunk);
      }
      if (fault !== undefined) return;
      settled = ++answers > 1;
      near.write(chunk);
    });
  };
  let server = createServer(serve);
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const down = async () => {
    if (!server.listening) return;
    for (const each of sockets) each.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    port,
    faults,
    down,
    async up() {
      server = createServer(serve);
      await listen(port);
    },
    close: down,
  };
}
