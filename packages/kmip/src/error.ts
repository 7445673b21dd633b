import { DecodeError } from '@vouchsafe/bytes/reader';
import type { resultReason } from './enums.ts';

/** A result reason, spelled as KMIP 1.4, 9.1.3.2.29 spells it. */
export type ResultReason = keyof typeof resultReason;

/** What went wrong between a client and its server, besides an operation that the server refused. */
export type KmipErrorCode =
  /** The server refused the operation; `reason` says why. */
  | 'operation.failed'
  /** No server could be reached, or the connection was lost. */
  | 'server.unreachable'
  /** TLS failed: the server's certificate is not trusted or it refused ours. */
  | 'server.untrusted'
  /** Nothing came back in time. */
  | 'server.timeout'
  /** The server speaks no version that we speak. */
  | 'version.unsupported'
  /** The answer is no KMIP message, or does not answer what was asked. */
  | 'answer.invalid'
  /** Whether the operation was carried out is not known: the connection was lost after the request was sent. */
  | 'outcome.unknown'
  /** The proxy in front of the server opened no tunnel. */
  | 'proxy.refused'
  /** The object was made, or another server has it, but it has not come to every server that was asked. */
  | 'replication.lag'
  /** Two servers hold different things under the same identifier. */
  | 'replication.conflict'
  /** More requests than the connections carry: none was free in time. */
  | 'client.busy'
  /** The client was closed. */
  | 'client.closed';

/** An operation that failed, at the server or on the way. */
export class KmipError extends Error {
  override readonly name = 'KmipError';
  readonly code: KmipErrorCode;
  /** The server's reason when the code is `operation.failed`; vendors' own reasons are hexadecimal. */
  readonly reason: ResultReason | `0x${string}` | undefined;
  /** The object that exists although the operation failed, if that is known. */
  readonly id: string | undefined;

  constructor(
    code: KmipErrorCode,
    message: string,
    options?: ErrorOptions & { reason?: ResultReason | `0x${string}`; id?: string },
  ) {
    super(message, options);
    this.code = code;
    this.reason = options?.reason;
    this.id = options?.id;
  }
}

/** What kind of disagreement with its declaration an item shows. */
export type TtlvFault = 'malformed' | 'unknown-field' | 'missing-field' | 'unknown-value';

/** Bytes that are no such item; `fault` decides between the result reasons that a server may answer. */
export class TtlvError extends DecodeError {
  readonly fault: TtlvFault;

  constructor(fault: TtlvFault, path: string, offset: number, reason: string) {
    super(path, offset, reason);
    this.fault = fault;
  }
}
