import type { TLSSocket } from 'node:tls';
import { KmipError } from '../error.ts';
import { Framer } from '../ttlv/framer.ts';
import { interrupted, timedOut } from './dial.ts';

/** How far a request came, for those who decide whether it may be sent again. */
export interface Progress {
  /** Its first octet was handed to the connection: the server may have it. */
  sent: boolean;
  /** An octet of its answer came. */
  answered: boolean;
}

interface Waiting {
  readonly progress: Progress;
  readonly timer: NodeJS.Timeout;
  resolve(message: Uint8Array): void;
  reject(error: KmipError): void;
}

/**
 * One TLS connection. Servers answer in order, so that several requests may be under way (the pool decides how many).
 * Anything unexpected on it ends it, and all requests with it.
 */
export class Connection {
  readonly #socket: TLSSocket;
  readonly #name: string;
  readonly #framer = new Framer('Response Message');
  readonly #waiting: Waiting[] = [];
  #ended: KmipError | undefined;
  /** Whether a request was answered on it: the server may have closed it since. */
  used = false;

  /** @param socket connected, and the server is trusted */
  constructor(socket: TLSSocket, name: string) {
    this.#socket = socket;
    this.#name = name;
    socket.setKeepAlive(true, 30_000);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (cause) => this.end(interrupted(name, cause)));
    socket.on('close', () => this.end(interrupted(name)));
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Requests that were sent and not answered yet. */
  get underWay(): number {
    return this.#waiting.length;
  }

  /**
   * Sends a message and returns the one that stands in its place among the answers. The request's octets are wiped once
   * they were sent. A request that gets no answer in time ends the connection: all later answers would be in doubt.
   */
  exchange(request: Uint8Array, deadline: number, progress: Progress): Promise<Uint8Array> {
    if (this.#ended !== undefined) {
      request.fill(0);
      return Promise.reject(this.#ended);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const timer = setTimeout(() => this.#late(), Math.max(0, deadline - Date.now()));
    this.#waiting.push({ progress, timer, resolve, reject });
    progress.sent = true;
    this.#socket.write(request, () => request.fill(0));
    return promise;
  }

  /** Keeps an unused connection from holding the process. */
  idle(yes: boolean): void {
    if (yes) this.#socket.unref();
    else this.#socket.ref();
  }

  /** Ends it; every request under way fails. */
  end(error: KmipError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#socket.destroy();
    this.#framer.clear();
    for (const { timer, reject } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(error);
    }
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended !== undefined) return;
    try {
      this.#framer.push(chunk);
      for (;;) {
        const [head] = this.#waiting;
        if (head === undefined) throw new KmipError('answer.invalid', 'octets came that nobody asked for');
        head.progress.answered = true;
        const message = this.#framer.next();
        if (message === undefined) return;
        if (this.#framer.held > 0 && this.#waiting.length === 1)
          throw new KmipError('answer.invalid', 'octets follow the answer');
        this.#answer(message);
        if (this.#framer.held === 0) return;
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#blame(new KmipError('answer.invalid', `${this.#name}: ${why}`, { cause }));
    }
  }

  #answer(message: Uint8Array): void {
    const head = this.#waiting.shift()!;
    clearTimeout(head.timer);
    this.used = true;
    head.resolve(message);
  }

  #late(): void {
    this.#blame(timedOut(this.#name));
  }

  /** The first in the row gets the error; for the others the connection was merely lost. */
  #blame(error: KmipError): void {
    const head = this.#waiting.shift();
    clearTimeout(head?.timer);
    head?.reject(error);
    this.end(new KmipError('server.unreachable', `${this.#name}: the connection had to be ended (${error.message})`));
  }
}
