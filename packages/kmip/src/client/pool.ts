import { KmipError } from '../error.ts';
import type { ProtocolVersion } from '../message.ts';
import { Connection } from './connection.ts';
import { defaults, type KmipClientOptions, type KmipServer } from './options.ts';

/** The connections to one server, and what was learnt about it. */
export class Pool {
  readonly server: KmipServer;
  readonly #options: KmipClientOptions;
  readonly #idle: { connection: Connection; timer: NodeJS.Timeout }[] = [];
  readonly #queue: (() => void)[] = [];
  #open = 0;
  #closed = false;
  /** The version that both sides speak, once it is known. */
  version: ProtocolVersion | undefined;

  constructor(server: KmipServer, options: KmipClientOptions) {
    this.server = server;
    this.#options = options;
  }

  /** Runs `f` with a connection of its own; `fresh` refuses one that was used before. */
  async with<T>(deadline: number, fresh: boolean, f: (connection: Connection) => Promise<T>): Promise<T> {
    await this.#slot(deadline);
    let connection: Connection | undefined;
    try {
      connection = (fresh ? undefined : this.#reuse()) ?? (await Connection.open(this.server, this.#options, deadline));
      return await f(connection);
    } catch (error) {
      connection?.close();
      throw error;
    } finally {
      if (connection !== undefined && !connection.ended) this.#keep(connection);
      this.#open--;
      this.#queue.shift()?.();
    }
  }

  close(): void {
    this.#closed = true;
    for (const { connection, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      connection.close();
    }
  }

  async #slot(deadline: number): Promise<void> {
    while (this.#open >= (this.#options.connections ?? defaults.connections)) {
      if (Date.now() >= deadline) throw new KmipError('server.timeout', 'no connection was free in time');
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.max(0, deadline - Date.now()));
      this.#queue.push(resolve);
      await promise;
      clearTimeout(timer);
      const at = this.#queue.indexOf(resolve);
      if (at >= 0) this.#queue.splice(at, 1);
    }
    this.#open++;
  }

  #reuse(): Connection | undefined {
    for (;;) {
      const kept = this.#idle.pop();
      if (kept === undefined) return undefined;
      clearTimeout(kept.timer);
      kept.connection.idle(false);
      if (!kept.connection.ended) return kept.connection;
    }
  }

  #keep(connection: Connection): void {
    if (this.#closed) {
      connection.close();
      return;
    }
    const timer = setTimeout(() => connection.close(), this.#options.idle ?? defaults.idle);
    timer.unref();
    connection.idle(true);
    this.#idle.push({ connection, timer });
  }
}
