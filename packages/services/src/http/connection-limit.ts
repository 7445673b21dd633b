import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { sourceOf } from './source-of.ts';

export interface ConnectionLimits {
  /** Connections that are served at once. Each costs memory from its first octet on: about 70 kB, most of it TLS. */
  readonly served: number;
  /** Connections that wait, before a handshake: about 4 kB each. */
  readonly waiting: number;
  /** Milliseconds after which nobody is expected to wait any longer on the other side. */
  readonly patience: number;
}

/** A connection that waits, and what serves it. */
interface Waiting {
  readonly socket: Socket;
  readonly serve: () => void;
  readonly since: number;
}

/**
 * How many connections a server has at most. Where there is no room the source with most of them gives way: its own
 * newcomers wait, and for others its oldest connection is closed. So nobody who has one connection loses it to a flood,
 * and a site that comes back at once is let in as quickly as it can be served, with one handshake for each.
 */
export class ConnectionLimit {
  readonly #limits: ConnectionLimits;
  readonly #now: () => number;
  /** By source, the oldest first. */
  readonly #served = new Map<string, Set<Socket>>();
  /** By source, the oldest first; the source that is next stands first. */
  readonly #waiting = new Map<string, Waiting[]>();
  #count = 0;
  #waits = 0;

  /** @param now milliseconds of any clock that only goes forward */
  constructor(limits: ConnectionLimits, now = () => performance.now()) {
    [this.#limits, this.#now] = [limits, now];
  }

  /** @param server made with `pauseOnConnect`, so that nothing is read of connections that wait */
  watch(server: Server): void {
    const handshakes = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) =>
      this.admit(socket, sourceOf(socket.remoteAddress), () => {
        for (const handshake of handshakes) handshake.call(server, socket);
        socket.resume();
      }),
    );
  }

  /** @param serve begins the handshake; now, later, or never when the connection is closed instead */
  admit(socket: Socket, source: string, serve: () => void): void {
    if (this.#count >= this.#limits.served) {
      const greediest = greediestOf(this.#served, source, ({ size }) => size);
      if (greediest === source) {
        this.#wait({ socket, serve, since: this.#now() }, source);
        return;
      }
      const [oldest] = this.#served.get(greediest) ?? [];
      // Its place is for the newcomer, not for one who waits.
      if (oldest !== undefined && this.#forget(oldest, greediest)) oldest.destroy();
    }
    this.#serve({ socket, serve }, source);
  }

  /** Closes those who wait: a server that ends knows nothing of them. */
  close(): void {
    for (const { socket } of [...this.#waiting.values()].flat()) socket.destroy();
    this.#waiting.clear();
    this.#waits = 0;
  }

  get count(): number {
    return this.#count;
  }

  get waiting(): number {
    return this.#waits;
  }

  #serve({ socket, serve }: Pick<Waiting, 'socket' | 'serve'>, source: string): void {
    const own = this.#served.get(source) ?? new Set();
    this.#served.set(source, own.add(socket));
    this.#count++;
    socket.once('close', () => {
      if (this.#forget(socket, source)) this.#next();
    });
    serve();
  }

  #wait(newcomer: Waiting, source: string): void {
    if (this.#waits >= this.#limits.waiting) {
      const greediest = greediestOf(this.#waiting, source, ({ length }) => length);
      if (greediest === source) {
        newcomer.socket.destroy();
        return;
      }
      this.#waiting.get(greediest)?.pop()?.socket.destroy();
      this.#waits--;
    }
    const own = this.#waiting.get(source) ?? [];
    this.#waiting.set(source, own);
    own.push(newcomer);
    this.#waits++;
  }

  /** Serves one of those who wait; sources take turns. */
  #next(): void {
    for (const [source, queue] of this.#waiting) {
      // A source that is set anew goes to the end.
      this.#waiting.delete(source);
      const fresh = this.#fresh(queue);
      if (queue.length > 0) this.#waiting.set(source, queue);
      if (fresh === undefined) continue;
      this.#serve(fresh, source);
      return;
    }
  }

  /** The first whose other side still waits; those before it are closed. */
  #fresh(queue: Waiting[]): Waiting | undefined {
    const oldest = this.#now() - this.#limits.patience;
    let gone = queue.findIndex(({ since, socket }) => since >= oldest && !socket.destroyed);
    if (gone === -1) gone = queue.length;
    for (const { socket } of queue.splice(0, gone)) socket.destroy();
    const first = queue.shift();
    this.#waits -= gone + (first === undefined ? 0 : 1);
    return first;
  }

  #forget(socket: Socket, source: string): boolean {
    const own = this.#served.get(source);
    if (own?.delete(socket) !== true) return false;
    if (own.size === 0) this.#served.delete(source);
    this.#count--;
    return true;
  }
}

/** The source that would have most with one more of `newcomer`; of equals the newcomer. */
function greediestOf<T>(sources: ReadonlyMap<string, T>, newcomer: string, size: (of: T) => number): string {
  const own = sources.get(newcomer);
  let [greediest, most] = [newcomer, (own === undefined ? 0 : size(own)) + 1];
  for (const [source, of] of sources) if (size(of) > most) [greediest, most] = [source, size(of)];
  return greediest;
}
