import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, type DetailedPeerCertificate, type PeerCertificate, type TLSSocket } from 'node:tls';
import { KmipError } from '../error.ts';
import { dial, type Route } from './dial.ts';
import { defaults, type TlsOptions } from './options.ts';
import { cipherSuites } from './tls.ts';

/** Where to look, and for how long. */
export interface ServerAddress extends Route {
  /** Asked for by name (SNI) when it differs from `host`. */
  readonly serverName?: string;
  readonly tls?: TlsOptions;
  /** Milliseconds. Default 5000. */
  readonly timeout?: number;
}

/** A certificate for a person to look at. Nothing of it was verified. */
export interface SeenCertificate {
  readonly pem: string;
  /** SHA-256 over the DER, hexadecimal with colons: what is compared with the server's console. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DNS names and IP addresses as they stand in the certificate. */
  readonly names: string | undefined;
  readonly selfSigned: boolean;
  /** It may issue others: trusting it trusts all of them. */
  readonly ca: boolean;
}

/** What a server showed. */
export interface SeenServer {
  /** The server's own certificate first, then those that it sent with it. */
  readonly chain: readonly SeenCertificate[];
  /** Why the first one is not for the address that was asked; nothing when it is. */
  readonly nameMismatch: string | undefined;
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string | undefined;
}

/** Certificates of a chain that are looked at; real ones have up to four. */
const longestChain = 10;

/**
 * Reads the certificate of a server that is not trusted yet, without showing one and without sending anything else: the
 * first step of setting trust up. Servers that refuse clients without certificate show theirs before they do.
 * @throws {KmipError} `server.unreachable`, `server.timeout`, `proxy.refused`, `server.untrusted` when TLS fails
 */
export async function fetchServerCertificate(address: ServerAddress): Promise<SeenServer> {
  const name = address.serverName ?? address.host;
  let seen: SeenServer | undefined;
  const look = (socket: TLSSocket) => {
    seen ??= read(socket, name);
    return undefined;
  };
  const tls = {
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    minVersion: address.tls?.minVersion ?? 'TLSv1.2',
    ciphers: cipherSuites(address.tls),
    ...(isIP(name) === 0 ? { servername: name } : {}),
  } as const;
  const deadline = Date.now() + (address.timeout ?? defaults.tryTimeout);
  try {
    (await dial(address, { ...tls, requestOCSP: true }, look, deadline, look)).destroy();
  } catch (error) {
    if (seen === undefined) throw error;
  }
  if (seen === undefined) throw new KmipError('server.untrusted', `${name}: the server shows no certificate`);
  return seen;
}

function read(socket: TLSSocket, name: string): SeenServer | undefined {
  const shown = socket.getPeerCertificate(true);
  if (shown.raw === undefined) return undefined;
  return {
    chain: chainOf(shown).map(seenCertificate),
    nameMismatch: checkServerIdentity(name, shown as PeerCertificate)?.message,
    protocol: socket.getProtocol() ?? undefined,
  };
}

function chainOf(first: DetailedPeerCertificate): Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let at: DetailedPeerCertificate | undefined = first; at?.raw !== undefined; at = at.issuerCertificate) {
    const { raw } = at;
    if (chain.length === longestChain || chain.some((each) => Buffer.compare(each, raw) === 0)) break;
    chain.push(raw);
  }
  return chain;
}

function seenCertificate(der: Uint8Array): SeenCertificate {
  const certificate = new X509Certificate(der);
  return {
    pem: certificate.toString(),
    fingerprint: certificate.fingerprint256,
    subject: printable(certificate.subject),
    issuer: printable(certificate.issuer),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    names: certificate.subjectAltName === undefined ? undefined : printable(certificate.subjectAltName),
    selfSigned: certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey),
    ca: certificate.ca,
  };
}

/** A stranger's words for a terminal: one line, without control characters, and not without end. */
const printable = (words: string): string => words.replace(/[\p{Cc}\p{Cf}]+/gu, ', ').slice(0, 1024);
