import { KmipError } from '../error.ts';
import type { Connection } from './connection.ts';

/** How many connections there are and what they carry. */
export interface PoolOptions {
  readonly connections: number;
  /** Requests under way on one connection. */
  readonly pipeline: number;
  /** Milliseconds after which an unused connection is closed. */
  readonly idle: number;
}

interface Member {
  readonly connection: Connection;
  /** Requests that hold it. */
  holders: number;
  /** Closes it when it is idle for too long. */
  timer: NodeJS.Timeout | undefined;
}

/** The connections to one server. Requests that find none free wait in turn. */
export class Pool {
  readonly #open: (deadline: number) => Promise<Connection>;
  readonly #options: PoolOptions;
  /** The one used last stands last, and is used first: the others grow idle and are closed. */
  readonly #members: Member[] = [];
  readonly #queue: (() => void)[] = [];
  #opening = 0;
  #closed = false;

  constructor(open: (deadline: number) => Promise<Connection>, options: PoolOptions) {
    this.#open = open;
    this.#options = options;
  }

  /** Runs `f` with a connection; `fresh` refuses one that was used before. A connection that failed is ended. */
  async with<T>(deadline: number, fresh: boolean, f: (connection: Connection) => Promise<T>): Promise<T> {
    const member = await this.#hold(deadline, fresh);
    try {
      return await f(member.connection);
    } catch (error) {
      // A refusal is an answer in good order, as is what was never sent.
      if (error instanceof KmipError && error.code !== 'operation.failed') member.connection.end(ended(error));
      throw error;
    } finally {
      this.#release(member);
    }
  }

  close(): void {
    this.#closed = true;
    for (const { connection, timer } of this.#members.splice(0)) {
      clearTimeout(timer);
      connection.end(closed());
    }
    for (const wake of this.#queue.splice(0)) wake();
  }

  async #hold(deadline: number, fresh: boolean): Promise<Member> {
    for (;;) {
      if (this.#closed) throw closed();
      const member = fresh ? undefined : this.#free();
      if (member !== undefined) return this.#take(member);
      if (this.#room(fresh)) return this.#take(await this.#connect(deadline));
      await this.#turn(deadline);
    }
  }

  /** An idle connection; a busy one that can carry more when no other may be opened. */
  #free(): Member | undefined {
    for (let i = this.#members.length - 1; i >= 0; i--)
      if (this.#members[i]!.connection.ended) this.#drop(this.#members[i]!);
    const idle = this.#members.findLast(({ holders }) => holders === 0);
    if (idle !== undefined || this.#members.length + this.#opening < this.#options.connections) return idle;
    const [least] = this.#members.toSorted((a, b) => a.holders - b.holders);
    return least !== undefined && least.holders < this.#options.pipeline ? least : undefined;
  }

  /** Whether another connection may be opened; for a fresh one an idle one gives way. */
  #room(fresh: boolean): boolean {
    const full = () => this.#members.length + this.#opening >= this.#options.connections;
    const idle = fresh && full() ? this.#members.find(({ holders }) => holders === 0) : undefined;
    if (idle !== undefined) {
      idle.connection.end(closed());
      this.#drop(idle);
    }
    return !full();
  }

  #take(member: Member): Member {
    clearTimeout(member.timer);
    member.timer = undefined;
    if (member.holders++ === 0) member.connection.idle(false);
    return member;
  }

  async #connect(deadline: number): Promise<Member> {
    this.#opening++;
    try {
      const connection = await this.#open(deadline);
      const member: Member = { connection, holders: 0, timer: undefined };
      if (this.#closed) connection.end(closed());
      else this.#members.push(member);
      for (const wake of this.#queue.splice(0, this.#options.pipeline - 1)) wake();
      return member;
    } catch (error) {
      this.#queue.shift()?.();
      throw error;
    } finally {
      this.#opening--;
    }
  }

  /** Waits until a connection may have become free. */
  async #turn(deadline: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = () => reject(new KmipError('client.busy', 'no connection was free in time: allow more of them'));
    const timer = setTimeout(late, Math.max(0, deadline - Date.now()));
    this.#queue.push(resolve);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      const at = this.#queue.indexOf(resolve);
      if (at >= 0) this.#queue.splice(at, 1);
    }
  }

  #release(member: Member): void {
    member.holders--;
    if (member.connection.ended) this.#drop(member);
    else if (member.holders === 0) this.#rest(member);
    this.#queue.shift()?.();
  }

  #rest(member: Member): void {
    member.connection.idle(true);
    member.timer = setTimeout(() => {
      member.connection.end(closed());
      this.#drop(member);
    }, this.#options.idle);
    member.timer.unref();
    this.#drop(member);
    this.#members.push(member);
  }

  #drop(member: Member): void {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
  }
}

const closed = () => new KmipError('client.closed', 'the client was closed');

/** What the other requests on the connection are told. */
const ended = ({ message }: KmipError) =>
  new KmipError('server.unreachable', `the connection had to be ended (${message})`);
