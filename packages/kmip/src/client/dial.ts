import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { KmipError } from '../error.ts';
import { addressText, defaults, type KmipProxy, serverText } from './options.ts';
import { tunnel } from './tunnel.ts';

/** Where a connection goes, and how. */
export interface Route {
  readonly host: string;
  readonly port?: number;
  readonly proxy?: KmipProxy;
}

/**
 * Opens a TLS connection, through a proxy if there is one.
 * @param judge says why the server is not trusted, before anything is sent to it
 * @param deadline in milliseconds since 1970, for all of it
 * @param shown is called as soon as the server showed its certificate, which may be all that it does
 * @throws {KmipError} `server.unreachable`, `server.untrusted`, `server.timeout`, `proxy.refused`
 */
export async function dial(
  route: Route,
  tls: ConnectionOptions,
  judge: (socket: TLSSocket) => string | undefined,
  deadline: number,
  shown: (socket: TLSSocket) => void = () => {},
): Promise<TLSSocket> {
  const name = serverText({ ...route, trust: { pin: [] } });
  const opened: Socket[] = [];
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(timedOut(name)), Math.max(0, deadline - Date.now()));
  try {
    const socket = await Promise.race([late, secured(route, tls, (each) => keep(opened, each), shown)]);
    const reason = judge(socket);
    if (reason !== undefined) throw new KmipError('server.untrusted', `${name}: ${reason}`);
    return socket;
  } catch (cause) {
    // The last one owns those before it. Node 24.21 crashes when a socket goes before the TLS over it.
    opened.at(-1)?.destroy();
    throw cause instanceof KmipError ? cause : lost(name, cause);
  } finally {
    clearTimeout(timer);
  }
}

/** An error after the race was lost must find a listener. */
function keep(opened: Socket[], socket: Socket): void {
  socket.on('error', () => {});
  opened.push(socket);
}

async function secured(
  route: Route,
  tls: ConnectionOptions,
  opened: (socket: Socket) => void,
  shown: (socket: TLSSocket) => void,
): Promise<TLSSocket> {
  const { host, port = defaults.port, proxy } = route;
  const way =
    proxy?.kind === 'connect'
      ? { socket: await tunnel(proxy, addressText(host, port), opened) }
      : { host: proxy?.host ?? host, port: proxy?.port ?? port };
  const socket = connect({ ...tls, ...way });
  socket.setNoDelay(true);
  opened(socket);
  // OpenSSL asks for the stapled response, which need not be there, once it has the certificate.
  socket.once('OCSPResponse', () => shown(socket));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const closed = () => reject(new Error('the server closed the connection before TLS was set up'));
  socket.once('secureConnect', resolve).once('error', reject).once('close', closed);
  await promise;
  socket.off('error', reject).off('close', closed);
  return socket;
}

export const timedOut = (name: string) => new KmipError('server.timeout', `${name}: no answer in time`);

/** What a connection is called that was not made: TLS alerts and certificates are one kind, all else another. */
export const lost = (name: string, cause?: unknown): KmipError =>
  broken(name, /^(ERR_SSL|ERR_TLS|EPROTO|UNABLE_|SELF_SIGNED|DEPTH_ZERO|CERT_|HOSTNAME_)/, cause);

/**
 * What an established connection is called that broke. Only an alert about our certificate, which comes late in TLS 1.3,
 * says that the server did not read what was sent; any other fault of TLS may be made by whoever is on the way.
 */
export const interrupted = (name: string, cause?: unknown): KmipError =>
  broken(name, /^ERR_SSL_\w+_ALERT_(\w*CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/, cause);

function broken(name: string, untrusted: RegExp, cause: unknown): KmipError {
  const code = String((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
  const why = cause instanceof Error ? words(cause) : 'the server closed the connection';
  return new KmipError(untrusted.test(code) ? 'server.untrusted' : 'server.unreachable', `${name}: ${why}`, { cause });
}

/** OpenSSL has a reason beside its words; names that lead to several addresses fail with a list of errors alone. */
function words(cause: Error & { readonly reason?: unknown }): string {
  if (typeof cause.reason === 'string') return `TLS: ${cause.reason}`;
  if (!(cause instanceof AggregateError) || cause.message !== '') return cause.message;
  return cause.errors.map((each) => String(each?.message ?? each)).join(', ');
}
