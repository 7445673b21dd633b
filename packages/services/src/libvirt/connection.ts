import { createConnection, type Socket } from 'node:net';
import { type Codec, decode, encode } from '@vouchsafe/bytes/codec';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { LibvirtError } from './error.ts';
import { decodeMessage, encodeCall, Frames, type Message, RemoteError } from './message.ts';
import {
  type Args,
  lifecycleMessage,
  type ProcedureName,
  procedures,
  type RemoteDomain,
  type Ret,
} from './procedures.ts';

export interface LibvirtOptions {
  /** Read-write socket of libvirtd, for instance `/run/libvirt/libvirt-sock`. */
  readonly socketPath: string;
  /** Milliseconds that connecting, and then each call, may take. */
  readonly deadline: number;
  /** Milliseconds that a call may take once the connection is open; `deadline` when not given. */
  readonly callDeadline?: number;
  /** Which hypervisor driver; `qemu:///system` unless said otherwise. */
  readonly uri?: string;
}

/** Something happened to a domain (virDomainEventType). */
export interface LifecycleEvent {
  readonly domain: RemoteDomain;
  readonly event: (typeof lifecycleEvents)[number] | 'other';
  /** Number whose meaning depends on `event` (virDomainEvent*DetailType). */
  readonly detail: number;
}

/** virDomainEventType in the order of its numbers. */
const lifecycleEvents = [
  'defined',
  'undefined',
  'started',
  'suspended',
  'resumed',
  'stopped',
  'shutdown',
  'pmsuspended',
  'crashed',
] as const;

interface Pending {
  readonly resolve: (payload: Uint8Array) => void;
  readonly reject: (error: LibvirtError) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A connection to libvirtd over its Unix socket, able to do what its driver connection may.
 * It never reconnects by itself: secrets live in the daemon's memory only, so whoever owns them must know of a restart.
 */
export class LibvirtConnection implements Disposable {
  /** Resolves with the reason when the connection has ended, by us, by the daemon or by an error. */
  readonly closed: Promise<LibvirtError>;
  readonly #socket: Socket;
  #deadline: number;
  readonly #frames = new Frames();
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(event: LifecycleEvent) => void>();
  #serial = 0;
  #reason: LibvirtError | undefined;
  #tellClosed: (reason: LibvirtError) => void = () => undefined;

  constructor(socket: Socket, deadline: number) {
    this.#socket = socket;
    this.#deadline = deadline;
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    socket.on('data', (piece: Uint8Array) => this.#receive(piece));
    socket.on('error', (cause) =>
      this.#end(new LibvirtError('closed', `connection lost: ${cause.message}`, { cause })),
    );
    socket.on('close', () => this.#end(new LibvirtError('closed', 'libvirtd closed the connection')));
  }

  get isOpen(): boolean {
    return this.#reason === undefined;
  }

  /**
   * Calls a procedure. Arguments are encoded before this returns, and the encoded bytes are wiped once they are sent.
   * @throws {LibvirtError}
   */
  call<P extends ProcedureName>(name: P, args: Args<P>): Promise<Ret<P>> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason);
    const procedure = procedures[name];
    const serial = ++this.#serial;
    const body = encode<Args<P>>(procedure.args as never, args);
    const frame = encodeCall(procedure.number, serial, body);
    body.fill(0);
    const answer = this.#expect(serial, name);
    this.#socket.write(frame, () => frame.fill(0));
    return answer.then((payload) => this.#decoded<Ret<P>>(procedure.ret as never, payload));
  }

  /** Milliseconds that each call from now on may take. */
  waitAtMost(deadline: number): void {
    this.#deadline = deadline;
  }

  /** Asks libvirt for lifecycle events of all domains and passes them on. @throws {LibvirtError} */
  async onLifecycle(listener: (event: LifecycleEvent) => void): Promise<void> {
    if (this.#listeners.size === 0) await this.call('eventRegister', { eventID: 0, dom: undefined });
    this.#listeners.add(listener);
  }

  /** Ends the connection; calls that wait are refused. */
  [Symbol.dispose](): void {
    this.#end(new LibvirtError('closed', 'the connection was closed by this process'));
  }

  #decoded<T>(codec: Codec<T>, payload: Uint8Array): T {
    try {
      return decode(codec, payload);
    } catch (cause) {
      this.#end(protocolError(cause));
      throw this.#reason;
    }
  }

  #expect(serial: number, name: string): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const late = () => this.#end(new LibvirtError('deadline', `${name}: no answer within ${this.#deadline} ms`));
      this.#pending.set(serial, { resolve, reject, timer: setTimeout(late, this.#deadline) });
    });
  }

  /** Bytes that are not the protocol end the connection: whatever follows them cannot be trusted. */
  #receive(piece: Uint8Array): void {
    try {
      for (const bytes of this.#frames.push(piece)) this.#dispatch(decodeMessage(bytes));
    } catch (cause) {
      this.#end(protocolError(cause));
    }
  }

  #dispatch(message: Message): void {
    const { type, serial, proc } = message.header;
    if (type === 'message') {
      if (proc === lifecycleMessage.number) this.#tell(decode(lifecycleMessage.payload, message.payload));
      return;
    }
    const pending = this.#pending.get(serial);
    if (type !== 'reply' || pending === undefined)
      throw new DecodeError('virNetMessageHeader', 0, `${type} with serial ${serial}, which answers no call`);
    // decoded first: an answer that cannot be read ends the connection, which refuses this call with the others
    const refused = message.header.status === 'ok' ? undefined : refusal(message.payload);
    this.#pending.delete(serial);
    clearTimeout(pending.timer);
    if (refused === undefined) pending.resolve(message.payload);
    else pending.reject(refused);
  }

  #tell(message: { dom: RemoteDomain; event: number; detail: number }): void {
    const event = lifecycleEvents[message.event] ?? 'other';
    for (const listener of this.#listeners) listener({ domain: message.dom, event, detail: message.detail });
  }

  #end(reason: LibvirtError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#socket.destroy();
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.#pending.clear();
    this.#tellClosed(reason);
  }
}

/** The error that an answer carries. Without a message of libvirt's its number stands for it. */
function refusal(payload: Uint8Array): LibvirtError {
  const { code, domain, message } = decode(RemoteError, payload);
  return new LibvirtError('refused', message ?? `error ${code} of libvirt without a message`, { code, domain });
}

function protocolError(cause: unknown): LibvirtError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LibvirtError('protocol', `libvirtd sent what is not its protocol: ${reason}`, { cause });
}

/**
 * Connects, authenticates (which on a Unix socket means: is allowed to without) and opens the driver.
 * @throws {LibvirtError} within the deadline
 */
export async function connectLibvirt(options: LibvirtOptions): Promise<LibvirtConnection> {
  const connection = new LibvirtConnection(await connect(options), options.deadline);
  try {
    const { types } = await connection.call('authList', {});
    if (types.length > 0 && !types.includes('none'))
      throw new LibvirtError('authentication', `libvirtd asks for authentication: ${types.join(', ')}`);
    await connection.call('open', { name: options.uri ?? 'qemu:///system', flags: 0 });
    connection.waitAtMost(options.callDeadline ?? options.deadline);
    return connection;
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
}

function connect({ socketPath, deadline }: LibvirtOptions): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = createConnection({ path: socketPath });
  const fail = (why: string, cause?: Error) => {
    socket.destroy();
    reject(new LibvirtError('unreachable', `${socketPath}: ${why}`, { cause }));
  };
  const timer = setTimeout(() => fail(`no connection within ${deadline} ms`), deadline);
  const failed = (cause: Error) => {
    clearTimeout(timer);
    fail(cause.message, cause);
  };
  socket.once('error', failed);
  socket.once('connect', () => {
    clearTimeout(timer);
    socket.off('error', failed);
    resolve(socket);
  });
  return promise;
}
