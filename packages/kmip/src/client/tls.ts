import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { tlsSuites } from '../tls-suites.ts';
import type { KmipClientOptions, KmipServer, ServerTrust, TlsOptions } from './options.ts';
import { pemOctets } from './private-key.ts';

/** What KMIP 1.0 to 1.4 made mandatory: whoever gets the server's key later reads what was recorded. */
const legacy = [
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
  'AES256-SHA256',
  'AES128-SHA256',
  'AES256-SHA',
  'AES128-SHA',
] as const;

/** The cipher suites that are offered. */
export const cipherSuites = ({ legacyRsa = false }: TlsOptions = {}): string =>
  [...tlsSuites, ...(legacyRsa ? legacy : [])].join(':');

/** Who the client is and whom it trusts, read once for all connections to a server. The key's octets are wiped. */
export function secureContext(options: KmipClientOptions, { trust }: KmipServer): SecureContext {
  using pem = pemOctets(options.key);
  return pem.use((octets) =>
    createSecureContext({
      cert: options.certificate,
      key: Buffer.from(octets.buffer, octets.byteOffset, octets.length),
      ca: authorities(trust),
      minVersion: options.tls?.minVersion ?? 'TLSv1.2',
      ciphers: cipherSuites(options.tls),
    }),
  );
}

/** An empty list would be the authorities of the web. */
function authorities(trust: ServerTrust): string[] | undefined {
  if ('pin' in trust) return undefined;
  const list = ['ca' in trust ? trust.ca : trust.certificates].flat();
  if (list.length === 0) throw new TypeError('trust: at least one certificate is needed');
  return list;
}

/** What `tls.connect` is told besides where to go. Nothing is sent before `distrust` has looked. */
export function tlsOptions(server: KmipServer, context: SecureContext): ConnectionOptions {
  const name = server.serverName ?? server.host;
  return {
    secureContext: context,
    rejectUnauthorized: false,
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ...(isIP(name) === 0 ? { servername: name } : {}),
  };
}

/** Why the server is not to be trusted; nothing when it is. */
export function distrust(socket: TLSSocket, { trust }: KmipServer): string | undefined {
  // Not getPeerX509Certificate: in Node 24.21 a second call of it, or of this after it, finds none.
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return 'the server shows no certificate';
  const seen = digest(raw);
  if ('pin' in trust) {
    const same = [trust.pin].flat().some((pin) => equal(Buffer.from(pin.replaceAll(':', ''), 'hex'), seen));
    return same ? undefined : `the server shows certificate ${seen.toString('hex')}, which is not the pinned one`;
  }
  if ('certificates' in trust && trust.certificates.flatMap(split).some((each) => equal(digest(each.raw), seen)))
    return undefined;
  if (socket.authorized) return undefined;
  return `the server shows certificate ${seen.toString('hex')}, which is not trusted: ${socket.authorizationError}`;
}

const digest = (octets: Uint8Array) => createHash('sha256').update(octets).digest();

const equal = (one: Uint8Array, other: Uint8Array) => one.length === other.length && timingSafeEqual(one, other);

/** The certificates of a PEM text. */
const split = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );
