import { constants } from 'node:crypto';
import { Problem } from '@vouchsafe/domain/problem';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { addressOf } from '../config/address.ts';
import type { HostConfig } from '../config/host.ts';
import { listenFault } from '../config/listen-fault.ts';
import { makeFolders, pathsOf } from '../config/paths.ts';
import { certifiedKey } from '../host/certified-key.ts';
import { errorBody } from '../http/error-body.ts';
import { forward } from '../http/forward.ts';
import { closeServer } from '../http/server.ts';
import { keepOutOfCoreDumps, logger, type Running } from '../part.ts';

/** What each path of the outside leads to; administration has no path here. */
const upstreams = {
  'trust-authority': [
    ['/attestation', 'attestd'],
    ['/kms', 'kmxd'],
  ],
  trusted: [['/trusted-infrastructure', 'kmxa']],
} as const;

/** Largest request that passes: the evidence of a host with two logs of full size. */
const bodyLimit = 48 * 1024 * 1024;

/**
 * The reverse proxy: the only port of a host that is reached from outside. It sees payloads pass and can keep or read
 * no key, since keys are sealed to the host that asked and answers are signed by the service.
 */
export async function serveProxy(config: HostConfig): Promise<Running> {
  keepOutOfCoreDumps();
  makeFolders(config, 'proxy');
  const paths = pathsOf(config);
  const certified = await certifiedKey(paths.certify('proxy'));
  const secure = () => {
    const { key, certificate } = certified.current();
    return { key: key.export({ type: 'pkcs8', format: 'pem' }), cert: `${certificate.toString()}${certified.caPem}` };
  };
  const server = Fastify({
    loggerInstance: logger('proxy'),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    requestTimeout: 60_000,
    keepAliveTimeout: 30_000,
    https: {
      ...secure(),
      minVersion: 'TLSv1.2',
      handshakeTimeout: 5_000,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    },
  }) as unknown as FastifyInstance;
  certified.onRenewal(() => (server.server as import('node:https').Server).setSecureContext(secure()));
  server.get('/healthz', () => ({ health: 'OK' }));
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send(errorBody(new Problem('operation.unknown', `${request.method} ${request.url}`))),
  );
  for (const [prefix, part] of upstreams[config.role]) {
    await forward(server, { prefix, part, socket: paths.service(part), timeout: 60_000 });
  }
  const { host, port } = addressOf(config.listen);
  await server.listen({ host, port }).catch((cause) => Promise.reject(listenFault(config.listen, cause)));
  return {
    async close() {
      await closeServer(server);
      certified.close();
    },
  };
}
