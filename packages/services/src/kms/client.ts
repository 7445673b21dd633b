import type { Role } from './roles.ts';

/** A certificate by which a client is known. */
export interface ClientCertificate {
  /** SHA-256 over its DER, 64 lower-case hexadecimal digits: what identifies the client, and nothing that it says. */
  readonly fingerprint: string;
  readonly pem: string;
  readonly added: Date;
}

/**
 * Somebody who may talk to the server. Objects belong to the scope, not to the client or its certificate: clients of
 * one scope share them, and a client that comes with a new certificate keeps them.
 */
export interface KmsClient {
  readonly name: string;
  readonly scope: string;
  readonly roles: readonly Role[];
  /** User names that a credential may carry; any, when there are none. A credential never makes a client more. */
  readonly users: readonly string[];
  readonly added: Date;
}

/** A client with all certificates that it may come with, the oldest first. */
export interface RegisteredClient extends KmsClient {
  readonly certificates: readonly ClientCertificate[];
}
