import { setImmediate as others } from 'node:timers/promises';
import { hex } from '@vouchsafe/bytes/hex';
import { TtlvError } from '../error.ts';
import type { TtlvLimits } from '../limits.ts';
import {
  type ProtocolVersion,
  type RequestItem,
  RequestMessage,
  type ResponseItem,
  ResponseMessage,
} from '../message.ts';
import { hasOperation, type RequestOf, type ResponseOf } from '../operations/operation.ts';
import { operations } from '../operations/operations.ts';
import { peekVersion } from '../peek-version.ts';
import { decodeItem, encodeItem } from '../ttlv/item.ts';
import { encoded } from '../ttlv/lazy.ts';
import { rankOfNumbers } from '../ttlv/vocabulary.ts';
import { sameVersion, versions } from '../version.ts';
import { credentialFault } from './credential.ts';
import { OperationError } from './operation-error.ts';

/** What a handler knows besides its request. */
export interface Call<Client, Tx> {
  readonly client: Client;
  readonly version: ProtocolVersion;
  readonly now: Date;
  /** The store, as it is for this message. */
  readonly tx: Tx;
  /** The ID Placeholder (KMIP 1.4, 4): the object of the message's last operation that made or found one. */
  placeholder: string | undefined;
  /** Wiped when the message was answered: secrets that handlers give to the answer. */
  readonly owned: DisposableStack;
}

/** The operations that a server carries out. */
export type Handlers<Client, Tx> = {
  [N in keyof typeof operations]?: (
    request: RequestOf<(typeof operations)[N]>,
    call: Call<Client, Tx>,
  ) => Promise<ResponseOf<(typeof operations)[N]>> | ResponseOf<(typeof operations)[N]>;
};

/** What came of a message, and whether its changes stay. */
export interface Outcome<T> {
  readonly value: T;
  readonly keep: boolean;
}

/** What a message asks for, as far as its header and its items say so before they are read. */
export interface Asking<Client> {
  readonly client: Client;
  readonly operations: readonly RequestItem['operation'][];
  readonly now: Date;
}

/** A server without sockets, clock and store. */
export interface Engine<Client, Tx> {
  readonly handlers: Handlers<Client, Tx>;
  /** What a message may hold. Default: those of the codec; the framer of the connection holds to its length. */
  readonly limits?: TtlvLimits;
  now(): Date;
  /**
   * Carries out a message in one transaction. Once it resolves, what `work` did is durable, or undone where its outcome
   * is not to be kept; when it rejects, nothing stays. `work` may be called again from its start when the store asks for
   * that.
   */
  message<T>(asking: Asking<Client>, work: (tx: Tx) => Promise<Outcome<T>>): Promise<T>;
  /**
   * Every operation goes through here, also one that is refused. `act` does its work and encodes the answer; when it
   * throws, nothing of its work may stay, while what the message did before stays.
   */
  perform<T>(operation: RequestItem['operation'], call: Call<Client, Tx>, act: () => Promise<T>): Promise<T>;
  /** Whether a credential of this client may carry this user name; any may, without this. */
  mayBe?(client: Client, username: string): boolean;
  /** An error that is no `OperationError`: a defect. The client learns nothing of it. */
  report?(error: unknown): void;
}

/** Octets to send, and whether the connection must end because the stream cannot be trusted any more. */
export interface Reply {
  readonly message: Buffer<ArrayBuffer>;
  readonly close: boolean;
}

/** The smallest limit on a response that can hold an answer at all. */
const smallestResponse = 256;

/**
 * Octets of a whole answer, whatever the client would take: as much as holds the largest object. A batch that fetches
 * one object many times must not take as many times its memory.
 */
const largestResponse = 1_572_864;

/** Milliseconds after which a batch lets others have a turn. */
const turn = 10;

/**
 * Answers one message; the message's octets must stay until it resolves, and may be wiped then. Never rejects for
 * anything that a client sent.
 */
export async function answer<Client, Tx>(
  engine: Engine<Client, Tx>,
  client: Client,
  octets: Uint8Array,
): Promise<Reply> {
  const now = engine.now();
  const version = peekVersion(octets);
  const ours = replyVersion(version);
  try {
    if (version !== undefined && !versions.some(({ major }) => major === version.major))
      throw new OperationError('Invalid Message', `version ${version.major}.${version.minor} is not spoken here`);
    const request = decodeItem(RequestMessage, octets, {
      lenient: version !== undefined && !sameVersion(version, ours),
      // A message may be carried out again from its start, with the same secrets.
      again: true,
      ...(engine.limits === undefined ? {} : { limits: engine.limits }),
    });
    checkMessage(request, (username) => engine.mayBe?.(client, username) ?? true);
    return { message: await carryOut(engine, client, request, ours, now), close: false };
  } catch (error) {
    const malformed = error instanceof TtlvError && error.fault === 'malformed';
    return { message: encodeReply(ours, now, undefined, [failure(error, engine)]), close: malformed };
  }
}

/** What is answered when nothing is known of the version: every client of 1.x reads this much of it. */
const common = versions.find(({ major }) => major === 1)!;

/** A client gets its own version, or the newest of its major version that is not above it. */
const replyVersion = (asked: ProtocolVersion | undefined): ProtocolVersion =>
  versions.find(({ major, minor }) => major === asked?.major && minor <= asked.minor) ?? common;

/** Everything for which a message is refused as a whole, before anything is carried out. */
function checkMessage({ header, items }: RequestMessage, mayBe: (username: string) => boolean): void {
  const refuse = (reason: OperationError['reason'], why: string): never => {
    throw new OperationError(reason, why);
  };
  if (header.batchCount !== items.length || items.length === 0)
    refuse('Invalid Message', `Batch Count ${header.batchCount} with ${items.length} batch items`);
  if (header.maximumResponseSize !== undefined && header.maximumResponseSize < smallestResponse)
    refuse('Response Too Large', `no answer fits ${header.maximumResponseSize} bytes`);
  const ids = items.flatMap(({ id }) => (id === undefined ? [] : [hex(id)]));
  if (items.length > 1 && ids.length < items.length)
    refuse('Invalid Message', 'a batch item without Unique Batch Item ID among several');
  if (new Set(ids).size < ids.length) refuse('Invalid Message', 'a Unique Batch Item ID stands twice');
  for (const credential of header.authentication?.credentials ?? []) {
    const fault = credentialFault(credential, mayBe);
    if (fault !== undefined) refuse('Authentication Not Successful', fault);
  }
}

async function carryOut<Client, Tx>(
  engine: Engine<Client, Tx>,
  client: Client,
  { header, items }: RequestMessage,
  version: ProtocolVersion,
  now: Date,
): Promise<Buffer<ArrayBuffer>> {
  let done: Done[] = [];
  const asking = { client, now, operations: items.map(({ operation }) => operation) };
  try {
    const answered = await engine.message(asking, async (tx) => {
      wipe(done);
      done = [];
      using owned = new DisposableStack();
      const call: Call<Client, Tx> = { client, version, now, tx, placeholder: undefined, owned };
      return await batch(engine, call, { header, items }, done);
    });
    const correlation = version.minor >= 4 ? header.clientCorrelation : undefined;
    return encodeReply(version, now, correlation, answered);
  } catch (error) {
    wipe(done);
    throw error;
  }
}

/** Does the items in their order, as far as the Batch Error Continuation Option says (KMIP 1.4, 6.13). */
async function batch<Client, Tx>(
  engine: Engine<Client, Tx>,
  call: Call<Client, Tx>,
  { header, items }: RequestMessage,
  done: Done[],
): Promise<Outcome<ResponseItem[]>> {
  let room = Math.min(header.maximumResponseSize ?? largestResponse, largestResponse) - smallestResponse;
  let since = performance.now();
  for (const each of items) {
    if (performance.now() - since > turn) {
      await others();
      since = performance.now();
    }
    const result = await one(engine, call, each, room);
    room -= result.payload.length + itemOverhead;
    done.push(result);
    if (result.item.status === 'Success' || header.onError === 'Continue') continue;
    if (header.onError === 'Undo') return { value: undone(done), keep: false };
    break;
  }
  return { value: done.map(({ item }) => item), keep: true };
}

/** An item that was done: its answer, and the octets of the answer's payload. */
interface Done {
  readonly item: ResponseItem;
  readonly payload: Uint8Array;
}

const wipe = (done: readonly Done[]) => {
  for (const { payload } of done) payload.fill(0);
};

/** The answer to a message of which an item failed that wanted all or nothing: what had been done before was undone. */
function undone(done: readonly Done[]): ResponseItem[] {
  wipe(done);
  return done.map(({ item: { payload: _, ...item } }) =>
    item.status === 'Success' ? { ...item, status: 'Operation Undone' } : item,
  );
}

/** Octets of a batch item besides its payload. */
const itemOverhead = 128;

async function one<Client, Tx>(
  engine: Engine<Client, Tx>,
  call: Call<Client, Tx>,
  request: RequestItem,
  room: number,
): Promise<Done> {
  const echoed = { operation: request.operation, ...(request.id === undefined ? {} : { id: request.id }) };
  const before = call.placeholder;
  try {
    const payload = await engine.perform(request.operation, call, async () => {
      const octets = await act(engine.handlers, call, request);
      if (octets.length + itemOverhead <= room) return octets;
      octets.fill(0);
      throw new OperationError(
        'Response Too Large',
        'the answer is larger than Maximum Response Size, or than the server sends',
      );
    });
    return { item: { ...echoed, status: 'Success', payload: encoded(payload) }, payload };
  } catch (error) {
    call.placeholder = before;
    return { item: { ...echoed, ...failure(error, engine) }, payload: new Uint8Array() };
  }
}

/** Reads the request of the operation, has it carried out, and encodes the answer. */
async function act<Client, Tx>(
  handlers: Handlers<Client, Tx>,
  call: Call<Client, Tx>,
  request: RequestItem,
): Promise<Buffer<ArrayBuffer>> {
  const declared = Object.hasOwn(operations, request.operation)
    ? operations[request.operation as keyof typeof operations]
    : undefined;
  const handler = handlers[request.operation as keyof typeof operations] as
    | ((request: unknown, call: Call<Client, Tx>) => unknown)
    | undefined;
  if (declared === undefined || handler === undefined || !hasOperation(declared, call.version))
    throw new OperationError('Operation Not Supported', `${request.operation} is not carried out here`);
  if (request.extension?.critical === true)
    throw new OperationError('Feature Not Supported', 'a critical Message Extension');
  const asked = request.payload.as<unknown>(declared.request as never);
  const { major, minor } = call.version;
  return encodeItem(declared.response as never, (await handler(asked, call)) as never, rankOfNumbers(major, minor));
}

/** What a client is told about an error. */
function failure<Client, Tx>(error: unknown, engine: Engine<Client, Tx>): ResponseItem {
  const status = 'Operation Failed' as const;
  if (error instanceof OperationError) return { status, reason: error.reason, message: error.message };
  if (error instanceof TtlvError) {
    const reason =
      error.fault === 'unknown-field' || error.fault === 'unknown-value' ? 'Invalid Field' : 'Invalid Message';
    return { status, reason, message: error.message.slice(0, 256) };
  }
  engine.report?.(error);
  return { status, reason: 'General Failure', message: 'the server failed; its log says why' };
}

const encodeReply = (
  version: ProtocolVersion,
  time: Date,
  clientCorrelation: string | undefined,
  items: ResponseItem[],
): Buffer<ArrayBuffer> =>
  encodeItem(ResponseMessage, {
    header: { version, time, attestationTypes: [], clientCorrelation, batchCount: items.length },
    items,
  });

/** Answers whatever was sent with one refusal, without reading further than the version: for peers nobody knows. */
export const refusal = (octets: Uint8Array, now: Date, error: OperationError): Buffer<ArrayBuffer> =>
  encodeReply(replyVersion(peekVersion(octets)), now, undefined, [
    { status: 'Operation Failed', reason: error.reason, message: error.message },
  ]);
