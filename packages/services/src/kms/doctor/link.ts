import type { KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { ResponseMessage } from '@vouchsafe/kmip/message';
import { Framer } from '@vouchsafe/kmip/ttlv/framer';
import { decodeItem, type ValueOf } from '@vouchsafe/kmip/ttlv/item';
import type { Address } from '../../config/address.ts';

/** An answer as a server gave it. */
export type Answer = ValueOf<typeof ResponseMessage>;

/** A client certificate with its key. */
export interface LinkIdentity {
  /** PEM, with intermediates if there are some. */
  readonly certificate: string;
  readonly key: KeyObject;
}

/** A connection to any key server; nobody has decided yet whether to trust it. */
export interface Link {
  readonly socket: TLSSocket;
  /** What the server showed. */
  readonly certificate: X509Certificate | undefined;
  /** Milliseconds from the first packet to the end of the handshake. */
  readonly took: number;
  /** Sends a message, which is wiped, and gives the answer; it can be read until the next one or the end. @throws {Error} when none comes in time */
  ask(message: Uint8Array): Promise<Answer>;
  end(): void;
}

/**
 * Connects, and waits until the handshake is done. The server's certificate is not verified: the caller looks at it
 * before it sends anything.
 * @throws {Error} of the network, of TLS, or when it takes longer than `timeout` milliseconds
 */
export async function openLink(
  { host, port }: Address,
  timeout: number,
  identity?: LinkIdentity,
  options: ConnectionOptions = {},
): Promise<Link> {
  const began = performance.now();
  const wanted: ConnectionOptions = {
    host,
    port,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(identity === undefined
      ? {}
      : { cert: identity.certificate, key: identity.key.export({ type: 'pkcs8', format: 'pem' }) }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false,
    ...options,
  };
  const socket = connect(wanted);
  socket.setNoDelay(true);
  const inbox = new Inbox(socket);
  await inbox.within(timeout, (resolve) => socket.once('secureConnect', resolve));
  return {
    socket,
    // Node gives it once only.
    certificate: socket.getPeerX509Certificate(),
    took: performance.now() - began,
    ask(message) {
      socket.write(message, () => message.fill(0));
      return inbox.within(timeout, (resolve) => inbox.next(resolve));
    },
    end: () => void socket.destroy(),
  };
}

/** What comes in on a connection, until it ends. */
class Inbox {
  readonly #framer = new Framer('Response Message');
  readonly #socket: TLSSocket;
  #ended: Error | undefined;
  #last = new Uint8Array();
  #wake: () => void = () => {};

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the server closed the connection')));
    socket.on('data', (chunk: Uint8Array) => {
      this.#framer.push(chunk);
      this.#wake();
    });
  }

  /** Gives the next whole answer to `take`; the one before is wiped. */
  next(take: (answer: Answer) => void): void {
    this.#last.fill(0);
    this.#wake = () => {
      const message = this.#framer.next();
      if (message === undefined) return;
      // Payloads are read from it later.
      this.#last = message;
      take(decodeItem(ResponseMessage, message, { lenient: true }));
    };
    this.#wake();
  }

  /** Waits for `start` to resolve. The connection ends with the time, and with anything that cannot be read. */
  async within<T>(timeout: number, start: (resolve: (value: T) => void) => void): Promise<T> {
    if (this.#ended !== undefined) throw this.#ended;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = setTimeout(() => this.#socket.destroy(new Error('no answer in time')), timeout);
    this.#fail = reject;
    try {
      start(resolve);
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#wake = () => {};
    }
  }

  #fail: (error: Error) => void = () => {};

  #end(error: Error): void {
    this.#ended ??= error;
    this.#framer.clear();
    this.#last.fill(0);
    this.#fail(this.#ended);
  }
}
