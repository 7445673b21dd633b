import type { SecureContext, TLSSocket } from 'node:tls';
import { KmipError } from '../error.ts';
import type { ProtocolVersion } from '../message.ts';
import { hasOperation, type Operation } from '../operations/operation.ts';
import { query } from '../operations/query.ts';
import { versionText } from '../version.ts';
import { agree } from './agree.ts';
import { Breaker } from './breaker.ts';
import { Connection, type Progress } from './connection.ts';
import { dial } from './dial.ts';
import { exchange } from './exchange.ts';
import { isIll, isRepeatable, isUncertain } from './fail-over.ts';
import { defaults, type KmipClientOptions, type KmipServer, serverText } from './options.ts';
import { Pool } from './pool.ts';
import { distrust, secureContext, tlsOptions } from './tls.ts';

/** What is known of an operation on its way, across servers. */
export interface Trail {
  /** The server that may have carried it out although its answer was lost. */
  lostAt: Endpoint | undefined;
  /** The server that answered. */
  answeredBy: Endpoint | undefined;
}

export const newTrail = (): Trail => ({ lostAt: undefined, answeredBy: undefined });

/** The certificate that a server showed. */
export interface ShownCertificate {
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint: string;
  readonly notAfter: Date;
}

/** One server: its connections, whether it is well, and which version it speaks. */
export class Endpoint {
  readonly server: KmipServer;
  /** `host:port`. */
  readonly name: string;
  readonly breaker: Breaker;
  readonly #options: KmipClientOptions;
  readonly #pool: Pool;
  readonly #context: SecureContext;
  #probing: Promise<void> | undefined;
  /** The version that both sides speak, once it is known. */
  version: ProtocolVersion | undefined;
  certificate: ShownCertificate | undefined;

  constructor(server: KmipServer, options: KmipClientOptions) {
    this.server = server;
    this.name = serverText(server);
    this.#options = options;
    this.#context = secureContext(options, server);
    this.#pool = new Pool((deadline) => this.#open(deadline), { ...defaults, ...options });
    this.breaker = new Breaker({ ...defaults.breaker, ...options.breaker });
  }

  /**
   * Carries out one operation here.
   * @param recoverable a lost answer will be looked for: a kept connection may be used although it may be dead
   * @throws {KmipError}
   */
  async ask<Request, Response>(
    operation: Operation<Request, Response>,
    request: Request,
    until: number,
    trail: Trail = newTrail(),
    recoverable = isRepeatable(operation.name),
  ): Promise<Response> {
    const first = await this.#try(operation, request, until, trail, !recoverable);
    if ('answer' in first) return first.answer;
    // A server or a load balancer closed the kept connection: the request most likely never arrived.
    const again = first.stale && isRepeatable(operation.name);
    const last = again ? await this.#try(operation, request, until, trail, true) : first;
    if ('answer' in last) return last.answer;
    throw this.#failed(last.error);
  }

  /** Finds out by a real request whether the server is back. Callers at the same time share one. */
  probe(): Promise<void> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  close(): void {
    this.#pool.close();
  }

  async #probe(): Promise<void> {
    const until = Date.now() + (this.#options.tryTimeout ?? defaults.tryTimeout);
    try {
      await this.ask(query, { functions: ['Query Server Information'] }, until, newTrail(), false);
    } catch (error) {
      // A refusal is a sign of life.
      if (!(error instanceof KmipError && error.code === 'operation.failed')) throw error;
    }
  }

  async #open(deadline: number): Promise<Connection> {
    const judge = (socket: TLSSocket) => {
      const { fingerprint256, valid_to } = socket.getPeerCertificate();
      if (fingerprint256 !== undefined)
        this.certificate = { fingerprint: fingerprint256, notAfter: new Date(valid_to) };
      return distrust(socket, this.server);
    };
    return new Connection(await dial(this.server, tlsOptions(this.server, this.#context), judge, deadline), this.name);
  }

  async #try<Request, Response>(
    operation: Operation<Request, Response>,
    request: Request,
    until: number,
    trail: Trail,
    fresh: boolean,
  ): Promise<{ answer: Response } | { error: KmipError; stale: boolean }> {
    const progress: Progress = { sent: false, answered: false };
    let reused = false;
    try {
      const answer = await this.#pool.with(until, fresh, async (connection) => {
        reused = connection.used || connection.underWay > 0;
        const speaking = { version: await this.#agree(connection, until), credential: this.#options.credential };
        if (!hasOperation(operation, speaking.version))
          throw new KmipError(
            'version.unsupported',
            `${operation.name}: ${this.name} speaks ${versionText(speaking.version)}, which does not have it`,
          );
        return exchange(connection, speaking, operation, request, until, progress);
      });
      trail.answeredBy = this;
      this.#well();
      return { answer };
    } catch (error) {
      if (!(error instanceof KmipError)) throw error;
      if (isUncertain(error, progress.sent)) trail.lostAt = this;
      return { error, stale: reused && !progress.answered && error.code === 'server.unreachable' };
    }
  }

  async #agree(connection: Connection, until: number): Promise<ProtocolVersion> {
    this.version ??= this.#options.version ?? (await agree(connection, this.name, this.#options.credential, until));
    return this.version;
  }

  #well(): void {
    if (this.breaker.succeeded()) this.#options.onEvent?.({ event: 'server.up', server: this.name });
  }

  #failed(error: KmipError): KmipError {
    // The server may be replaced by one that speaks other versions: they are asked for anew.
    if (isIll(error) || error.code === 'answer.invalid' || error.reason === 'Invalid Message') this.version = undefined;
    if (error.code === 'operation.failed') this.#well();
    if (error.code === 'answer.invalid') this.#options.onEvent?.({ event: 'answer.invalid', server: this.name, error });
    if (isIll(error) && this.breaker.failed())
      this.#options.onEvent?.({ event: 'server.down', server: this.name, error });
    return error;
  }
}
