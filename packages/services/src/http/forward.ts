import httpProxy from '@fastify/http-proxy';
import { Problem } from '@vouchsafe/domain/problem';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errorBody } from './error-body.ts';
import { sourceHeader } from './source-of.ts';

/** Where requests whose path begins with a prefix go on to. */
export interface Upstream {
  readonly prefix: string;
  /** The part that answers, for messages. */
  readonly part: string;
  /** Its Unix socket. */
  readonly socket: string;
  /** Milliseconds without a byte after which it is given up; 0 waits for ever. */
  readonly timeout: number;
  /** Says why a request is not handed on; undefined when it is. */
  readonly whyNot?: (request: FastifyRequest) => string | undefined;
}

/**
 * Has a server hand requests on as they are, and say which part does not answer. Who is connected stands in
 * `x-forwarded-for`, whatever a client wrote there.
 */
export async function forward(
  server: FastifyInstance,
  { prefix, part, socket, timeout, whyNot }: Upstream,
): Promise<void> {
  await server.register(async (own) => {
    if (whyNot !== undefined) {
      own.addHook('onRequest', async (request, reply) => {
        const why = whyNot(request);
        if (why !== undefined) await reply.code(403).send(errorBody(new Problem('member.refused', why)));
      });
    }
    // Bodies pass as they are, so no parser of the server may touch them.
    own.removeAllContentTypeParsers();
    await own.register(httpProxy, {
      prefix,
      rewritePrefix: prefix,
      upstream: `unix+http://${encodeURIComponent(socket)}/`,
      disableRequestLogging: true,
      http: { requestOptions: { timeout } },
      replyOptions: {
        rewriteRequestHeaders: ({ ip }, { [sourceHeader]: _written, ...headers }) =>
          // Whoever comes over a Unix socket has no address, and fastify says undefined.
          ip === undefined ? headers : { ...headers, [sourceHeader]: ip },
        onError: (reply, { error }) =>
          reply.code(503).send(errorBody(new Problem('host.not-ready', `${part} does not answer: ${error.message}`))),
      },
    });
  });
}
