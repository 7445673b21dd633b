import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { sourceOf } from './source-of.ts';

/**
 * How many connections a server has at most. Each costs memory from its first octet on, and idle ones cost nobody else
 * anything. Where there is no room the source with most connections gives way: a newcomer of it is turned away, for
 * others its oldest connection is closed. So nobody who has one connection loses it to a flood.
 */
export class ConnectionLimit {
  readonly #limit: number;
  /** By source, the oldest first. */
  readonly #sources = new Map<string, Set<Socket>>();
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.admit(socket, sourceOf(socket.remoteAddress)));
  }

  admit(socket: Socket, source: string): void {
    if (this.#count >= this.#limit) {
      const greediest = this.#greediest(source);
      if (greediest === source) {
        socket.destroy();
        return;
      }
      const [oldest] = this.#sources.get(greediest) ?? [];
      oldest?.destroy();
      if (oldest !== undefined) this.#forget(oldest, greediest);
    }
    const own = this.#sources.get(source) ?? new Set();
    this.#sources.set(source, own.add(socket));
    this.#count++;
    socket.once('close', () => this.#forget(socket, source));
  }

  get count(): number {
    return this.#count;
  }

  #forget(socket: Socket, source: string): void {
    const own = this.#sources.get(source);
    if (own?.delete(socket) !== true) return;
    if (own.size === 0) this.#sources.delete(source);
    this.#count--;
  }

  /** The source that would have most with one more of `newcomer`; of equals the newcomer. */
  #greediest(newcomer: string): string {
    let [greediest, most] = [newcomer, (this.#sources.get(newcomer)?.size ?? 0) + 1];
    for (const [source, { size }] of this.#sources) if (size > most) [greediest, most] = [source, size];
    return greediest;
  }
}
