import { constants } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import { tlsSuites } from '@vouchsafe/kmip/tls-suites';
import { type Address, addressText } from '../config/address.ts';
import { listenFault } from '../config/listen-fault.ts';
import { ConnectionLimit } from '../http/connection-limit.ts';
import { sourceOf } from '../http/source-of.ts';
import type { KmsLimits } from './limits.ts';
import type { ServerIdentity } from './server-certificate.ts';

/** What the basic profile asks for and nobody should want: whoever gets the server's key later reads everything. */
const legacySuites = ['AES256-SHA256', 'AES128-SHA256', 'AES128-SHA'];

/** What a listener needs. */
export interface ListenerOptions {
  readonly identity: ServerIdentity;
  readonly limits: KmsLimits;
  /** Takes over a connection whose handshake is done; nobody looked at its certificate. */
  readonly serve: (socket: TLSSocket) => void;
  /** Told of a peer that came no further than the handshake. */
  readonly refused: (remote: string, reason: string) => void;
}

/** A TLS listener that can be given another certificate while it listens. */
export interface Listener {
  listen(at: Address): Promise<Address>;
  /** Shows another certificate from now on; connections stay as they are. */
  show(identity: ServerIdentity): void;
  readonly connections: number;
  close(): Promise<void>;
}

/** Makes the listener of a key server; it listens nowhere yet. */
export function kmsListener({ identity, limits, serve, refused }: ListenerOptions): Listener {
  const secure = (shown: ServerIdentity): SecureContextOptions => ({
    cert: [shown.certificate, ...(shown.legacy === undefined ? [] : [shown.legacy.certificate])],
    key: [shown.key, ...(shown.legacy === undefined ? [] : [shown.legacy.key])],
    // No names of authorities are sent: clients that choose by them would not show certificates of other ones.
    ca: [],
    ciphers: [...tlsSuites, ...(shown.legacy === undefined ? [] : legacySuites)].join(':'),
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: 'kms',
  });
  const server = createServer({
    ...secure(identity),
    requestCert: true,
    // Who may talk is decided for every message by the certificate itself, not by who issued it. A peer without one is
    // let in to be told so: some clients come first without, only to read ours.
    rejectUnauthorized: false,
    handshakeTimeout: limits.handshake,
    noDelay: true,
    pauseOnConnect: true,
  });
  const gate = new Gate(server, limits);
  server.on('secureConnection', (socket) => {
    serve(socket);
    // `pauseOnConnect` holds for what is read after the handshake, too.
    socket.resume();
  });
  server.on('tlsClientError', (error, socket) => {
    // Who only went away was not turned away.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') refused(socket.remoteAddress ?? '', error.message);
    socket.destroy();
  });
  return {
    listen: (at) => listen(server, at),
    show: (other) => server.setSecureContext(secure(other)),
    get connections() {
      return gate.connections;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      gate.close();
      await closed;
    },
  };
}

/** Lets connections in to the handshake: so many of a source and so many of all, and no source crowds out another. */
class Gate {
  readonly #sockets = new Set<Socket>();
  readonly #bySource = new Map<string, number>();
  readonly #most: number;
  readonly #limit: ConnectionLimit;

  constructor(server: Server, { connections, waiting, connectionsPerAddress, handshake }: KmsLimits) {
    this.#most = connectionsPerAddress;
    this.#limit = new ConnectionLimit({ served: connections, waiting, patience: handshake });
    const handshakes = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const source = sourceOf(socket.remoteAddress);
      if (!this.#enter(socket, source)) return void socket.destroy();
      this.#limit.admit(socket, source, () => {
        for (const handshake of handshakes) handshake.call(server, socket);
        socket.resume();
      });
    });
  }

  get connections(): number {
    return this.#sockets.size;
  }

  close(): void {
    this.#limit.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #enter(socket: Socket, source: string): boolean {
    const count = (this.#bySource.get(source) ?? 0) + 1;
    if (count > this.#most) return false;
    this.#bySource.set(source, count);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = this.#bySource.get(source)! - 1;
      if (left === 0) this.#bySource.delete(source);
      else this.#bySource.set(source, left);
    });
    return true;
  }
}

async function listen(server: Server, at: Address): Promise<Address> {
  await new Promise<void>((resolve, refuse) => {
    const reject = (cause: Error) => refuse(listenFault(addressText(at), cause));
    server.once('error', reject);
    server.listen({ ...at, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return { host: bound.address, port: bound.port };
}
