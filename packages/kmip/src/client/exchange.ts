import { randomBytes } from 'node:crypto';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { KmipError } from '../error.ts';
import { type ProtocolVersion, RequestMessage, type ResponseItem, ResponseMessage } from '../message.ts';
import type { Operation } from '../operations/operation.ts';
import { UsernameAndPassword } from '../server/credential.ts';
import { decodeItem, encodeItem } from '../ttlv/item.ts';
import { bound } from '../ttlv/lazy.ts';
import { sameVersion, versionText } from '../version.ts';
import type { Connection, Progress } from './connection.ts';
import type { UsernameCredential } from './options.ts';

/** In whose words a request is put. */
export interface Speaking {
  readonly version: ProtocolVersion;
  readonly credential?: UsernameCredential | undefined;
}

/**
 * Sends one operation and returns what the server answered to exactly this one.
 *
 * A server is not believed: version, number of items, batch item id and operation must be those of the request, and a
 * success without payload is none.
 */
export async function exchange<Request, Response>(
  connection: Connection,
  { version, credential }: Speaking,
  operation: Operation<Request, Response>,
  request: Request,
  deadline: number,
  progress: Progress = { sent: false, answered: false },
): Promise<Response> {
  const id = randomBytes(8);
  const authentication = credential === undefined ? {} : { authentication: authenticationOf(credential) };
  const message = encodeItem(RequestMessage, {
    header: { version, attestationTypes: [], ...authentication, batchCount: 1 },
    items: [{ operation: operation.name, id, payload: bound(operation.request, request) }],
  });
  const answer = await connection.exchange(message, deadline, progress);
  try {
    return read(answer, version, operation, id);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new KmipError('answer.invalid', `${operation.name}: ${cause.message}`, { cause });
  } finally {
    answer.fill(0);
  }
}

const authenticationOf = (credential: UsernameCredential) => ({
  credentials: [{ type: 'Username and Password' as const, value: bound(UsernameAndPassword, { ...credential }) }],
});

function read<Response>(
  answer: Uint8Array,
  version: ProtocolVersion,
  operation: Operation<unknown, Response> | Operation<never, Response>,
  id: Uint8Array,
): Response {
  // A server may know fields that came later; what they say is not used.
  const { header, items } = decodeItem(ResponseMessage, answer, { lenient: true });
  const [item] = items;
  if (header.batchCount !== 1 || items.length !== 1 || item === undefined)
    throw invalid(operation, `one item was asked for, ${items.length} came, ${header.batchCount} announced`);
  if (item.status === 'Success' && !sameVersion(header.version, version))
    throw invalid(operation, `asked in version ${versionText(version)}, answered in ${versionText(header.version)}`);
  checkItem(operation, item, id);
  if (item.payload === undefined) throw invalid(operation, 'a success without payload');
  return item.payload.as(operation.response);
}

/** An answer to a request that could not be read names neither operation nor id; only a failure may do so. */
function checkItem(operation: Named, item: ResponseItem, id: Uint8Array): void {
  const failed = item.status === 'Operation Failed';
  if (!(item.operation === operation.name || (failed && item.operation === undefined)))
    throw invalid(operation, `the answer is to ${item.operation ?? 'no operation'}`);
  if (!(item.id === undefined ? failed : equalBytes(item.id, id)))
    throw invalid(operation, 'the answer carries another batch item id');
  if (failed) {
    const reason = item.reason ?? 'General Failure';
    const detail = item.message === undefined ? '' : `: ${printable(item.message)}`;
    throw new KmipError('operation.failed', `${operation.name}: ${reason}${detail}`, { reason });
  }
  if (item.status !== 'Success') throw invalid(operation, `the answer is ${item.status}, which was not asked for`);
}

interface Named {
  readonly name: string;
}

const invalid = (operation: Named, why: string) => new KmipError('answer.invalid', `${operation.name}: ${why}`);

/** A server's words, short and without control characters: they end up in logs and terminals. */
const printable = (words: string): string => words.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, 200);
