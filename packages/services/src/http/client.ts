import { setImmediate } from 'node:timers/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Problem } from '@vouchsafe/domain/problem';
import { Agent, type Dispatcher, request } from 'undici';
import { problemOf } from './error-body.ts';

/** Where a client talks to: a Unix socket, or HTTPS with the only CA that is trusted for it. */
export type Target =
  | { readonly socket: string }
  | {
      readonly url: string;
      readonly ca: string;
      /** Key and certificate, PEM, that the client shows; with them nothing below TLS 1.3 is spoken. */
      readonly identity?: { readonly key: string; readonly cert: string };
    };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export interface ClientOptions {
  /** Milliseconds for one request, all included. */
  readonly timeout?: number;
  /** Milliseconds until a connection stands, handshake included. */
  readonly connectTimeout?: number;
  /** Longest answer in bytes. */
  readonly limit?: number;
}

/** A small JSON client for one target. */
export class HttpClient {
  readonly #agent: Agent;
  readonly #origin: string;
  readonly #timeout: number;
  readonly #limit: number;
  readonly target: string;

  constructor(
    target: Target,
    { timeout = 20_000, connectTimeout = 5_000, limit = 4 * 1024 * 1024 }: ClientOptions = {},
  ) {
    this.#timeout = timeout;
    this.#limit = limit;
    this.target = 'socket' in target ? target.socket : target.url;
    this.#origin = 'socket' in target ? 'http://localhost' : target.url;
    this.#agent = new Agent({
      connect: { ...connectionTo(target), timeout: Math.min(timeout, connectTimeout) },
      keepAliveTimeout: 4_000,
    });
  }

  /**
   * One request; the answer's body is parsed JSON.
   * @throws {Problem} the other side's problem, or `service.unreachable`
   */
  async call(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await this.#send(method, path, text, headers);
    const answer = { status: response.statusCode, headers: response.headers, body: await this.#read(response) };
    await freed();
    if (answer.status >= 400) {
      throw Object.assign(problemOf(answer.status, answer.body), { headers: answer.headers });
    }
    return answer;
  }

  /** One request whose answer is one JSON document a line, as they come. @throws {Problem} as `call` */
  async *stream(method: Dispatcher.HttpMethod, path: string, body?: unknown): AsyncGenerator<unknown> {
    const response = await this.#send(method, path, body === undefined ? undefined : JSON.stringify(body), {}, 0);
    if (response.statusCode >= 400) throw problemOf(response.statusCode, await this.#read(response));
    for await (const line of this.#lines(response)) yield unwrap(JSON.parse(line));
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    body: string | undefined,
    headers: Record<string, string>,
    timeout = this.#timeout,
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await request(this.#origin + path, {
        method,
        dispatcher: this.#agent,
        headersTimeout: timeout,
        bodyTimeout: timeout,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body }),
      });
    } catch (cause) {
      throw new Problem('service.unreachable', `${this.target}: ${reasonOf(cause)}`, { cause });
    }
  }

  async *#lines({ body }: Dispatcher.ResponseData): AsyncGenerator<string> {
    let rest = '';
    try {
      for await (const chunk of body.setEncoding('utf8')) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (cause) {
      throw new Problem('service.unreachable', `${this.target}: ${reasonOf(cause)}`, { cause });
    }
    if (rest !== '') throw new Problem('service.unreachable', `${this.target}: the answer ended too early`);
  }

  async #read({ body }: Dispatcher.ResponseData): Promise<unknown> {
    let text = '';
    try {
      // Decoded as one text: a character may lie across two chunks.
      for await (const chunk of body.setEncoding('utf8')) {
        text += String(chunk);
        if (text.length > this.#limit) throw new TypeError(`the answer is longer than ${this.#limit} characters`);
      }
      return text === '' ? undefined : JSON.parse(text);
    } catch (cause) {
      throw new Problem('service.unreachable', `${this.target}: ${reasonOf(cause)}`, { cause });
    }
  }
}

/**
 * Undici frees a connection in the turn of the event loop behind its answer; who asks again at once would get a new one,
 * with a handshake.
 */
const freed = setImmediate;

function connectionTo(target: Target) {
  if ('socket' in target) return { socketPath: target.socket };
  const { ca, identity } = target;
  // A key is read for its own connections only, and wiped with them.
  if (identity !== undefined) return { ca, ...identity, minVersion: 'TLSv1.3' as const };
  return { secureContext: contextFor(ca) };
}

/** The context of a CA costs more than a handshake, and a host talks to few CAs over and over. */
const contexts = new Map<string, SecureContext>();
const maxContexts = 16;

function contextFor(ca: string): SecureContext {
  const known = contexts.get(ca);
  if (known !== undefined) return known;
  const made = createSecureContext({ ca, minVersion: 'TLSv1.2' });
  if (contexts.size >= maxContexts) contexts.clear();
  contexts.set(ca, made);
  return made;
}

function unwrap(line: unknown): unknown {
  const failed = (line as { error?: unknown }).error;
  if (failed !== undefined) throw problemOf(500, failed);
  return line;
}

function reasonOf(cause: unknown): string {
  const { message, code } = cause as { message: string; code?: string };
  return message || code || 'no connection';
}
