import type { KeyObject } from 'node:crypto';

/** How the server's certificate is trusted: by the authority that issued it, or as exactly this certificate. */
export type ServerTrust =
  | {
      /** Authorities in PEM; the certificate must be for the server's host name. */
      readonly ca: string | readonly string[];
    }
  | {
      /** SHA-256 over the certificate's DER, hexadecimal; colons are ignored. Names and validity are not looked at. */
      readonly pin: string;
    };

/** One key server. Servers of one client hold the same keys. */
export interface KmipServer {
  readonly host: string;
  /** Default 5696. */
  readonly port?: number;
  readonly trust: ServerTrust;
  /** The name that the certificate must carry when it differs from `host`. */
  readonly serverName?: string;
}

/** Who the client is, which servers it asks in which order, and how long it waits. Times are milliseconds. */
export interface KmipClientOptions {
  /** In the order of preference; the next one is asked when one does not answer. */
  readonly servers: readonly [KmipServer, ...KmipServer[]];
  /** The client's certificate in PEM, with intermediates if there are some. */
  readonly certificate: string;
  readonly key: KeyObject;
  /** For connection, TLS and one answer of one server. Default 5000. */
  readonly tryTimeout?: number;
  /** For an operation as a whole, all servers included. Default 15000. */
  readonly timeout?: number;
  /** Connections to one server. Default 4. */
  readonly connections?: number;
  /** An idle connection is closed after this time: load balancers drop idle ones without a word. Default 60000. */
  readonly idle?: number;
}

export const defaults = { port: 5696, tryTimeout: 5000, timeout: 15_000, connections: 4, idle: 60_000 } as const;

/** `host:port`, for messages. */
export const serverText = ({ host, port = defaults.port }: KmipServer): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
