import { X509Certificate } from 'node:crypto';
import { connect as dial, isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { fingerprint } from '@vouchsafe/domain/x509/pem';
import { defaults, type KmipServer } from '@vouchsafe/kmip/client/options';
import { tunnel } from '@vouchsafe/kmip/client/tunnel';
import type { Provider } from './configuration.ts';
import { connectionTimeout, kmipServers } from './kmip-source.ts';

/** What a key server shows to whoever connects, before anybody believes it. */
export interface RemoteCertificate {
  readonly server_name: string;
  /** PEM; not there when it could not be fetched. */
  readonly certificate?: string;
  /** SHA-256 over the DER, 64 hexadecimal digits: what people compare. */
  readonly fingerprint?: string;
  readonly subject?: string;
  readonly issuer?: string;
  /** ISO 8601. */
  readonly expires?: string;
  /** Whether a connection to it would be trusted by what is configured. */
  readonly trusted: boolean;
  readonly error_messages: readonly string[];
}

/** Connects to every key server of a provider, without our certificate, and tells what each shows. */
export async function remoteCertificates(provider: Provider): Promise<RemoteCertificate[]> {
  const timeout = 1000 * (provider.connection_timeout ?? connectionTimeout);
  return await Promise.all(
    kmipServers(provider).map(async (server, i): Promise<RemoteCertificate> => {
      const server_name = provider.servers[i]?.name ?? '';
      try {
        const shown = await shownBy(server, timeout);
        const { subject, issuer, validToDate } = shown;
        return {
          server_name,
          certificate: shown.toString(),
          fingerprint: fingerprint(shown),
          subject: oneLine(subject),
          issuer: oneLine(issuer),
          expires: validToDate.toISOString(),
          trusted: isTrusted(shown, provider.trusted_certificates, server.host),
          error_messages: [],
        };
      } catch (error) {
        return { server_name, trusted: false, error_messages: [(error as Error).message] };
      }
    }),
  );
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');

/** Exactly one of them, or issued by one of them for this name, now. */
function isTrusted(shown: X509Certificate, trusted: readonly string[], host: string): boolean {
  const now = Date.now();
  const valid = shown.validFromDate.getTime() <= now && now <= shown.validToDate.getTime();
  const named = isIP(host) === 0 ? shown.checkHost(host) : shown.checkIP(host);
  return trusted.some((pem) => {
    const authority = new X509Certificate(pem);
    if (authority.fingerprint256 === shown.fingerprint256) return true;
    return valid && named !== undefined && shown.checkIssued(authority) && shown.verify(authority.publicKey);
  });
}

function shownBy(server: KmipServer, timeout: number): Promise<X509Certificate> {
  const { promise, resolve, reject } = Promise.withResolvers<X509Certificate>();
  let outermost: Socket | undefined;
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeout / 1000} s`)), timeout);
  const look = async () => {
    const socket = await reach(server, (opened) => {
      outermost = opened;
    });
    const tls = connect({
      socket,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ...(isIP(server.host) === 0 ? { servername: server.host } : {}),
    });
    outermost = tls;
    // A server that insists on a client certificate ends the connection behind its own: it was shown by then.
    tls.once('error', (error) => void (shownOn(tls, resolve) || reject(error)));
    tls.once('close', () => reject(new Error('the server closed the connection')));
    tls.once('secureConnect', () => void (shownOn(tls, resolve) || reject(new Error('it shows no certificate'))));
  };
  look().catch(reject);
  return promise.finally(() => {
    clearTimeout(timer);
    // The socket inside ends with the one around it; ending both, the inner one first, crashes Node 24.
    outermost?.destroy();
  });
}

function shownOn(tls: TLSSocket, resolve: (certificate: X509Certificate) => void): boolean {
  const { raw } = tls.getPeerCertificate();
  if (raw === undefined) return false;
  resolve(new X509Certificate(raw));
  return true;
}

async function reach(
  { host, port = defaults.port, proxy }: KmipServer,
  opened: (socket: Socket) => void,
): Promise<Socket> {
  if (proxy?.kind === 'connect')
    return await tunnel(proxy, isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`, opened);
  const socket = dial(proxy === undefined ? { host, port } : { host: proxy.host, port: proxy.port });
  opened(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  return socket;
}
