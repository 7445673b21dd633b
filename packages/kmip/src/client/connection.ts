import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { KmipError } from '../error.ts';
import { Framer } from '../ttlv/framer.ts';
import { defaults, type KmipClientOptions, type KmipServer, serverText } from './options.ts';

/** One TLS connection that carries one request at a time. Anything unexpected on it ends it. */
export class Connection {
  readonly #socket: TLSSocket;
  readonly #name: string;
  readonly #framer = new Framer('Response Message');
  #waiting: { resolve(message: Uint8Array): void; reject(error: KmipError): void } | undefined;
  #ended: KmipError | undefined;
  /** Whether a request was answered on it: a server may have closed it since. */
  used = false;
  /** Whether any octet came back for the request that is on the way. */
  answering = false;

  private constructor(socket: TLSSocket, name: string) {
    this.#socket = socket;
    this.#name = name;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (cause) => this.#end(lost(name, cause)));
    socket.on('close', () => this.#end(lost(name)));
  }

  /** Connects and proves the server; nothing is sent before that. */
  static open(server: KmipServer, options: KmipClientOptions, deadline: number): Promise<Connection> {
    const name = serverText(server);
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    const socket = connect(tlsOptions(server, options));
    const timer = setTimeout(() => fail(timedOut(name)), Math.max(0, deadline - Date.now()));
    const fail = (error: KmipError) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const refused = (cause: Error) => fail(lost(name, cause));
    const closed = () => fail(lost(name));
    socket.once('error', refused).once('close', closed);
    socket.once('secureConnect', () => {
      const reason = distrust(socket, server);
      if (reason !== undefined) return fail(new KmipError('server.untrusted', `${name}: ${reason}`));
      clearTimeout(timer);
      socket.off('error', refused).off('close', closed);
      socket.setKeepAlive(true, 30_000);
      resolve(new Connection(socket, name));
    });
    return promise;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Sends a message and returns the one that answers it. The request's octets are wiped once they were sent. */
  exchange(request: Uint8Array, deadline: number): Promise<Uint8Array> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#waiting !== undefined) throw new TypeError('a request is on its way on this connection');
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.answering = false;
    this.#waiting = { resolve, reject };
    const timer = setTimeout(() => this.#end(timedOut(this.#name)), Math.max(0, deadline - Date.now()));
    this.#socket.write(request, () => request.fill(0));
    return promise.finally(() => clearTimeout(timer));
  }

  close(): void {
    this.#end(new KmipError('client.closed', 'the client was closed'));
  }

  /** Keeps an unused connection from holding the process. */
  idle(yes: boolean): void {
    if (yes) this.#socket.unref();
    else this.#socket.ref();
  }

  #receive(chunk: Uint8Array): void {
    this.answering = true;
    try {
      this.#framer.push(chunk);
      const message = this.#framer.next();
      if (this.#waiting === undefined) throw new KmipError('answer.invalid', 'octets came that nobody asked for');
      if (message === undefined) return;
      if (this.#framer.held > 0) throw new KmipError('answer.invalid', 'octets follow the answer');
      this.used = true;
      this.#settle()?.resolve(message);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#end(new KmipError('answer.invalid', `${this.#name}: ${why}`, { cause }));
    }
  }

  #end(error: KmipError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#socket.destroy();
    this.#framer.clear();
    this.#settle()?.reject(error);
  }

  #settle() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

function tlsOptions(server: KmipServer, options: KmipClientOptions) {
  const serverName = server.serverName ?? server.host;
  return {
    host: server.host,
    port: server.port ?? defaults.port,
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    cert: options.certificate,
    key: options.key.export({ type: 'pkcs8', format: 'pem' }),
    minVersion: 'TLSv1.2' as const,
    noDelay: true,
    // A pinned certificate is compared in `distrust`, before the first octet is sent.
    ...('ca' in server.trust ? { ca: [server.trust.ca].flat() } : { rejectUnauthorized: false }),
  };
}

/** Why the server is not to be trusted; nothing when it is. */
function distrust(socket: TLSSocket, { trust }: KmipServer): string | undefined {
  if ('ca' in trust) return socket.authorized ? undefined : String(socket.authorizationError);
  const seen = createHash('sha256')
    .update(socket.getPeerCertificate().raw ?? '')
    .digest();
  const pinned = Buffer.from(trust.pin.replaceAll(':', ''), 'hex');
  const same = pinned.length === seen.length && timingSafeEqual(pinned, seen);
  return same ? undefined : `the server shows certificate ${seen.toString('hex')}, which is not the pinned one`;
}

const timedOut = (name: string) => new KmipError('server.timeout', `${name}: no answer in time`);

function lost(name: string, cause?: Error): KmipError {
  const code = String((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
  const tls = /^(ERR_SSL|ERR_TLS|UNABLE_|SELF_SIGNED|DEPTH_ZERO|CERT_|HOSTNAME_)/.test(code);
  const why = cause?.message ?? 'the server closed the connection';
  return new KmipError(tls ? 'server.untrusted' : 'server.unreachable', `${name}: ${why}`, { cause });
}
