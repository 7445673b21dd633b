import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { parseJson } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import { BodyBudget } from './body-budget.ts';
import { errorBody } from './error-body.ts';

/** A request as a handler sees it. `raw` is the body as it came, for hashes over exact octets. */
export interface Request {
  /** Path and query as they came. */
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly raw: string;
  readonly body: unknown;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  /** What `admit` of the route gave. */
  readonly admitted: unknown;
}

/** A request before its body is read. */
export type RequestHead = Pick<Request, 'params' | 'query' | 'headers'>;

/** That a request may go on, and how long its body may be: less than the limit of the route. */
export interface Admission {
  readonly bodyLimit: number;
  /** Reaches the handler. */
  readonly admitted?: unknown;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON; an async iterable is sent as one JSON document a line while it goes on. */
  readonly body?: unknown;
  /** Plain text instead of a body. */
  readonly text?: string;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with `:name` parameters. */
  readonly path: string;
  /** Longest body in bytes; 64 KiB when not given. */
  readonly bodyLimit?: number;
  /** Looks at a request before its body is read; what it throws is the answer. */
  readonly admit?: (head: RequestHead) => Promise<Admission> | Admission;
  readonly handle: (request: Request) => Promise<Reply> | Reply;
}

export interface Listening {
  close(): Promise<void>;
}

/** Bytes of request bodies that a server holds at once, several of the largest. */
const bodiesAtOnce = 256 * 1024 * 1024;

/** A server over routes; it listens nowhere yet. */
export function httpServer(
  routes: readonly Route[],
  log: Logger,
  limits: { bodyLimit?: number; bodies?: number } = {},
): FastifyInstance {
  const server = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyLimit ?? 64 * 1024,
    requestTimeout: 30_000,
    connectionTimeout: 0,
    keepAliveTimeout: 10_000,
    routerOptions: { maxParamLength: 512 },
    requestIdHeader: 'x-request-id',
    // A URL that cannot be decoded reaches no route and no other handler.
    frameworkErrors: answerError,
  }) as unknown as FastifyInstance;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.setErrorHandler(answerError);
  server.setNotFoundHandler((request, reply) => {
    const problem = new Problem('operation.unknown', `${request.method} ${request.url}`);
    return reply.code(404).send(errorBody(problem));
  });
  const budget = new BodyBudget(limits.bodies ?? bodiesAtOnce);
  for (const route of routes) addRoute(server, route, budget);
  return server;
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = asProblem(error);
  if (problem.kind === 'internal') request.log.error({ err: error, reqId: request.id }, 'request failed');
  const { retry_after: wait } = problem.data;
  if (typeof wait === 'number') reply.header('retry-after', String(wait));
  reply.code(problem.facts.status).header('x-request-id', request.id).send(errorBody(problem));
}

/** Connections that wait to be accepted; the kernel takes fewer where net.core.somaxconn says so (listen(2)). */
const backlog = 4096;

/** sun_path of unix(7), less the zero at its end. */
const longestSocketPath = 107;

/** Listens on a Unix socket with the given mode; a socket left over by a dead process is replaced, a live one is not. */
export async function listenOnSocket(server: FastifyInstance, path: string, mode = 0o600): Promise<Listening> {
  if (existsSync(path)) {
    if (!lstatSync(path).isSocket()) throw new Problem('config.invalid', `${path}: expected a socket or nothing`);
    if (await answers(path)) throw new Problem('config.invalid', `${path}: another process listens there`);
    rmSync(path);
  }
  if (Buffer.byteLength(path) > longestSocketPath)
    throw new Problem(
      'config.invalid',
      `run: ${path} is longer than the ${longestSocketPath} bytes of a socket's path`,
    );
  await server.ready();
  await bound(server.server, path);
  chmodSync(path, mode);
  return { close: () => closeServer(server) };
}

/**
 * Binds so that nobody else can connect before the mode is set. The mask belongs to the whole process, and bind happens
 * before `listen` returns, so it is back before anything else runs.
 */
async function bound(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  try {
    server.listen({ path, backlog });
  } finally {
    process.umask(mask);
  }
  await once(server, 'listening');
}

/** Closes a server without waiting for idle connections. */
export async function closeServer(server: FastifyInstance): Promise<void> {
  server.server.closeAllConnections();
  await server.close();
}

function addRoute(server: FastifyInstance, route: Route, budget: BodyBudget): void {
  const { method, path, bodyLimit, admit, handle } = route;
  const admissions = new WeakMap<FastifyRequest, Admission>();
  server.route({
    method,
    url: path,
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    ...(admit && {
      onRequest: async (request: FastifyRequest) => {
        const admission = await admit(headOf(request));
        if (Number(request.headers['content-length'] ?? 0) > admission.bodyLimit) throw tooLarge(admission.bodyLimit);
        admissions.set(request, admission);
      },
    }),
    preParsing: (request, reply, payload, done) => {
      budget.watch(request.raw, admissions.get(request)?.bodyLimit);
      reply.raw.once('close', () => budget.release(request.raw));
      done(null, payload);
    },
    handler: async (request, reply) => {
      const {
        status = 200,
        headers = {},
        body,
        text,
      } = await handle(requestOf(request, reply, admissions.get(request)?.admitted));
      reply.code(body === undefined && text === undefined && status === 200 ? 204 : status).headers(headers);
      if (text !== undefined) return reply.type('text/plain; charset=utf-8').send(text);
      if (isIterable(body)) return reply.type('application/x-ndjson').send(Readable.from(lines(body)));
      return body === undefined ? reply.send() : reply.type('application/json').send(JSON.stringify(body));
    },
  });
}

const headOf = (request: FastifyRequest): RequestHead => ({
  params: request.params as Record<string, string>,
  query: request.query as Record<string, string>,
  headers: request.headers as Record<string, string | undefined>,
});

const tooLarge = (limit: number) =>
  new Problem('input.too-large', `the request body is larger than the ${limit} bytes that are read here`);

function requestOf(request: FastifyRequest, { raw: response }: FastifyReply, admitted: unknown): Request {
  const raw = typeof request.body === 'string' ? request.body : '';
  const gone = new AbortController();
  // On the response, not on the socket: a connection that is kept alive would gather a listener with every request.
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return {
    ...headOf(request),
    url: request.url,
    admitted,
    raw,
    get body() {
      return raw === '' ? undefined : parseJson('request body', raw);
    },
    signal: gone.signal,
  };
}

const isIterable = (body: unknown): body is AsyncIterable<unknown> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body;

/** One JSON document a line; an error that comes while it goes on is the last line. */
async function* lines(items: AsyncIterable<unknown>): AsyncGenerator<string> {
  try {
    for await (const item of items) yield `${JSON.stringify(item)}\n`;
  } catch (error) {
    yield `${JSON.stringify({ error: errorBody(asProblem(error)) })}\n`;
  }
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Problem('input.too-large', 'the request body is too large');
  if (statusCode !== undefined && statusCode < 500) return new Problem('input.malformed', (error as Error).message);
  return new Problem('internal', 'internal error', { cause: error });
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
