import { validator } from '@vouchsafe/domain/parse';
import type { TSchema } from 'typebox';
import type { Reply, Request, Route } from '../http/server.ts';

/** Who may call an operation of the management API; the names are those of the vendor's host authentication. */
export type Grant = 'SECURITY_MGMT' | 'READ_ONLY';

/**
 * One operation of a part's management API. The local administrator's socket serves them all; signed requests of a
 * center come through the same table.
 */
export interface Operation {
  /** Name for audit and documentation, for instance `attestation.tpm2.settings.update`. */
  readonly name: string;
  readonly method: Route['method'];
  readonly path: string;
  readonly grant: Grant;
  readonly summary: string;
  readonly bodyLimit?: number;
  readonly handle: (request: Request) => Promise<Reply> | Reply;
}

interface Declared<S extends TSchema> extends Omit<Operation, 'handle'> {
  readonly body: S;
}

/** An operation with a body of the given schema, checked before the handler sees it. */
export function operation<S extends TSchema>(
  declared: Declared<S>,
  handle: (body: import('typebox').Static<S>, request: Request) => Promise<unknown> | unknown,
): Operation {
  const { body, ...rest } = declared;
  const check = validator('request body', body);
  return { ...rest, handle: async (request) => replyOf(await handle(check(request.body), request)) };
}

/** An operation without a body. */
export function query(
  declared: Omit<Operation, 'handle'>,
  handle: (request: Request) => Promise<unknown> | unknown,
): Operation {
  return { ...declared, handle: async (request) => replyOf(await handle(request)) };
}

const replyOf = (body: unknown): Reply => (body === undefined ? { status: 204 } : { body });

/** The routes of a table of operations, as the local administrator's socket serves them. */
export const routesOf = (operations: readonly Operation[]): Route[] =>
  operations.map(({ method, path, bodyLimit, handle }) => ({
    method,
    path,
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    handle,
  }));
