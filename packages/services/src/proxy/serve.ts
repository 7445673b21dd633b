import { constants } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { roles } from '@vouchsafe/domain/group/role';
import { Problem } from '@vouchsafe/domain/problem';
import Fastify, { type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { addressOf } from '../config/address.ts';
import type { HostConfig } from '../config/host.ts';
import { listenFault } from '../config/listen-fault.ts';
import { makeFolders, pathsOf } from '../config/paths.ts';
import { keepOutOfCoreDumps } from '../core-dumps.ts';
import { certifiedKey } from '../host/certified-key.ts';
import { ConnectionLimit } from '../http/connection-limit.ts';
import { errorBody } from '../http/error-body.ts';
import { forward } from '../http/forward.ts';
import { closeServer } from '../http/server.ts';
import { keepHeapSmall, logger, type Running } from '../part.ts';

/** What each path of the outside leads to; administration has no path here. */
const upstreams = {
  'trust-authority': [
    ['/attestation', 'attestd'],
    ['/kms', 'kmxd'],
    ['/member', 'host'],
  ],
  trusted: [['/trusted-infrastructure', 'kmxa']],
} as const;

/**
 * No more are served than attestd lets wait, so that nobody shakes hands to be sent away. Who waits costs what the
 * kernel holds of its first octets. Agents wait 15 s for a connection.
 */
const connectionLimits = { served: 512, waiting: 4096, patience: 15_000 };
/** Connections that the kernel holds until they are accepted (listen(2)). */
const backlog = 4096;
/** Milliseconds for a handshake: when a whole site comes back, each waits for those before it. */
const handshakeTimeout = 20_000;

/** Largest request that passes: the evidence of a host with two logs of full size. */
const bodyLimit = 48 * 1024 * 1024;

/**
 * The reverse proxy: the only port of a host that is reached from outside. It sees payloads pass and can keep or read
 * no key, since keys are sealed to the host that asked and answers are signed by the service.
 */
export async function serveProxy(config: HostConfig): Promise<Running> {
  keepOutOfCoreDumps();
  keepHeapSmall();
  makeFolders(config, 'proxy');
  const paths = pathsOf(config);
  const certified = await certifiedKey(paths.certify('proxy'));
  const secure = () => {
    const { key, certificate } = certified.current();
    const cert = `${certificate.toString()}${certified.caPem}`;
    return { key: key.export({ type: 'pkcs8', format: 'pem' }), cert, ca: certified.caPem };
  };
  const server = Fastify({
    loggerInstance: logger('proxy'),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    requestTimeout: 60_000,
    keepAliveTimeout: 30_000,
    https: {
      ...secure(),
      // Members show a certificate of the group; nobody else is asked for more than they have.
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      handshakeTimeout,
      headersTimeout: 15_000,
      connectionsCheckingInterval: 5_000,
      pauseOnConnect: true,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    },
  }) as unknown as FastifyInstance;
  const limit = new ConnectionLimit(connectionLimits);
  limit.watch(server.server as import('node:https').Server);
  certified.onRenewal(() => (server.server as import('node:https').Server).setSecureContext(secure()));
  server.get('/healthz', () => ({ health: 'OK' }));
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send(errorBody(new Problem('operation.unknown', `${request.method} ${request.url}`))),
  );
  for (const [prefix, part] of upstreams[config.role]) {
    const whyNot = part === 'host' ? whyNoMember : undefined;
    await forward(server, { prefix, part, socket: paths.service(part), timeout: 60_000, ...(whyNot && { whyNot }) });
  }
  const { host, port } = addressOf(config.listen);
  await server.listen({ host, port, backlog }).catch((cause) => Promise.reject(listenFault(config.listen, cause)));
  return {
    async close() {
      limit.close();
      await closeServer(server);
      certified.close();
    },
  };
}

/** The one request that comes without a certificate of the group: it is made to get one, and has an invite for it. */
const joining = '/member/join';

/**
 * Members speak TLS 1.3 and show a certificate of the group. That keeps others away from the channel; what a member may
 * do is decided behind it, by the signature of each request.
 */
function whyNoMember({ url, raw }: FastifyRequest): string | undefined {
  const socket = raw.socket as TLSSocket;
  if (url === joining) return undefined;
  if (socket.getProtocol() !== 'TLSv1.3') return 'members speak TLS 1.3';
  // The group's CA also stands above that for migrations: certificates of attested hosts hold under it as well.
  const names = socket.getPeerCertificate().subjectaltname?.split(', ') ?? [];
  const isMember = socket.authorized && names.includes(`URI:${roles.member}`);
  return isMember ? undefined : 'members show a certificate of their group';
}
