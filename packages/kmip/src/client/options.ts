import type { KeyObject } from 'node:crypto';
import type { Secret } from '@vouchsafe/bytes/secret';
import type { ProtocolVersion } from '../message.ts';
import type { ClientEvent } from './events.ts';

/** How the server's certificate is trusted: by the authority that issued it, or as exactly this certificate. */
export type ServerTrust =
  | {
      /** Authorities in PEM; the certificate must be valid and for the server's name. */
      readonly ca: string | readonly string[];
    }
  | {
      /** SHA-256 over the certificate's DER, hexadecimal; colons are ignored. Names and validity are not looked at. */
      readonly pin: string | readonly string[];
    }
  | {
      /**
       * Certificates in PEM, whatever they are: a server that shows exactly one of them is trusted as if it was pinned,
       * any other must be issued by one of them and carry the server's name.
       */
      readonly certificates: readonly string[];
    };

/** What stands between the client and a server. TLS always ends at the server itself. */
export type KmipProxy =
  | {
      /** A port that leads to the server: its address is dialled, the server's name is verified. */
      readonly kind: 'relay';
      readonly host: string;
      readonly port: number;
    }
  | {
      /** An HTTP proxy that is asked for a tunnel (RFC 9110, 9.3.6), with basic authentication if it wants one. */
      readonly kind: 'connect';
      readonly host: string;
      readonly port: number;
      readonly username?: string;
      readonly password?: Secret;
    };

/** One key server. Servers of one client hold the same keys. */
export interface KmipServer {
  /** A name, an IPv4 or an IPv6 address. */
  readonly host: string;
  /** Default 5696. */
  readonly port?: number;
  readonly trust: ServerTrust;
  /** The name that the certificate must carry when it differs from `host`. */
  readonly serverName?: string;
  /** Lower is asked first; servers of the same priority share the load. Default: the place in the list. */
  readonly priority?: number;
  readonly proxy?: KmipProxy;
}

/** KMIP 1.4, 2.1.2: sent in the header of each request, for servers that want more than a certificate. */
export interface UsernameCredential {
  readonly username: string;
  readonly password?: Secret;
}

/** When a server that does not answer is left alone, and for how long. */
export interface BreakerOptions {
  /** Failures in a row after which it is left alone. Default 2. */
  readonly failures?: number;
  /** The first pause in milliseconds; it doubles, and each is shortened by chance by up to a half. Default 1000. */
  readonly pause?: number;
  /** The longest pause. Default 60000. */
  readonly longest?: number;
}

/** Which TLS is spoken. */
export interface TlsOptions {
  /** Default TLSv1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Offers also the RSA key exchange and CBC suites of old profiles: no forward secrecy. Default false. */
  readonly legacyRsa?: boolean;
}

/** Who the client is, which servers it asks in which order, and how long it waits. Times are milliseconds. */
export interface KmipClientOptions {
  readonly servers: readonly [KmipServer, ...KmipServer[]];
  /** The client's certificate in PEM, with intermediates if there are some. */
  readonly certificate: string;
  /** Its private key; a Secret holds unencrypted PEM. It is read when the client is made. */
  readonly key: KeyObject | Secret;
  readonly credential?: UsernameCredential;
  readonly tls?: TlsOptions;
  /** For connection, TLS and one answer of one server. Default 5000. */
  readonly tryTimeout?: number;
  /** For an operation as a whole, all servers and recoveries included. Default 15000. */
  readonly timeout?: number;
  /** Connections to one server. Default 4. */
  readonly connections?: number;
  /** Requests under way on one connection. More than 1 needs servers that read on while they answer. Default 1. */
  readonly pipeline?: number;
  /** An idle connection is closed after this time: load balancers drop idle ones without a word. Default 60000. */
  readonly idle?: number;
  /** The only version to speak. Default: the best one that the server discovers to us. */
  readonly version?: ProtocolVersion;
  readonly breaker?: BreakerOptions;
  /**
   * What is put into requests that make objects, so that they are found again when the answer is lost: a second Name, or
   * a custom attribute. Default: a Name for an object without one, else `x-Request-Id`, else a second Name. With `false`
   * a lost answer is the error `outcome.unknown`.
   */
  readonly marker?: 'Name' | `x-${string}` | false;
  /** What becomes of a second object that a lost request left behind. Default `destroy`, if it is Pre-Active. */
  readonly leftovers?: 'destroy' | 'report';
  /** Is told what no caller sees: servers that go and come back, replication that lags. */
  readonly onEvent?: (event: ClientEvent) => void;
}

/** What one call may say for itself. */
export interface CallOptions {
  /** Milliseconds for this call, instead of the client's `timeout`. */
  readonly timeout?: number;
}

export const defaults = {
  port: 5696,
  tryTimeout: 5000,
  timeout: 15_000,
  connections: 4,
  pipeline: 1,
  idle: 60_000,
  breaker: { failures: 2, pause: 1000, longest: 60_000 },
} as const;

/** `host:port`, for messages. */
export const addressText = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** A server as messages name it. */
export const serverText = ({ host, port = defaults.port }: KmipServer): string => addressText(host, port);
