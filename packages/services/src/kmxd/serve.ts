import { releaseOperations } from '@vouchsafe/domain/keys/release';
import { Problem } from '@vouchsafe/domain/problem';
import type { HostConfig } from '../config/host.ts';
import { certifiedKey } from '../host/certified-key.ts';
import { groupLink } from '../host/group-link.ts';
import type { GroupNews } from '../host/group-register.ts';
import { withMembershipHealth } from '../host/membership-health.ts';
import { httpServer, listenOnSocket, type Reply, type Request, type Route } from '../http/server.ts';
import { routesOf } from '../management/operation.ts';
import { openPart, type Running } from '../part.ts';
import { ProviderConfiguration } from './configuration.ts';
import { groupRecord } from './group-record.ts';
import { KmipSource } from './kmip-source.ts';
import { kmxdOperations } from './operations/table.ts';
import { PrimaryKeys } from './primary-keys.ts';
import { type HostRequest, ReleaseService } from './release-service.ts';

/** 100 items with ciphertexts of full length. */
const bodyLimit = 512 * 1024;

/** The Key Provider Service of this host. @throws {Problem} */
export async function serveKmxd(config: HostConfig): Promise<Running> {
  const part = await openPart(config, 'kmxd');
  const { paths, store, audit, log } = part;
  const key = await certifiedKey(paths.certify('kmxd'));
  const record = groupRecord();
  const onNews = (news: GroupNews) => audit.append(...record(news));
  const membership = await groupLink(paths.certify('kmxd'), { onNews });
  const providers = new ProviderConfiguration(store);
  const kmip = new KmipSource(providers);
  const now = () => Math.floor(Date.now() / 1000);
  const primaryKeys = new PrimaryKeys(kmip, now);
  providers.onChange((id) => {
    primaryKeys.forget(id);
    kmip.forget(id);
  });
  const service = new ReleaseService({
    group: key.group,
    membership,
    url: config.url ?? `https://${config.listen}`,
    providers,
    primaryKeys,
    signer: key.current,
    audit: (entries) => audit.append(...entries),
    now,
  });
  const operations = kmxdOperations({ providers, kmip, store, seal: part.seal, audit: (entry) => audit.append(entry) });
  const served = await listenOnSocket(httpServer(routes(service), log), paths.service('kmxd'), 0o660);
  const watched = operations.map((each) => withMembershipHealth(each, membership, 'kms.status.get'));
  const admin = await listenOnSocket(httpServer(routesOf(watched), log), paths.admin('kmxd'));
  return {
    async close() {
      await Promise.all([served.close(), admin.close()]);
      await kmip.close();
      await membership.close();
      key.close();
      part.close();
    },
  };
}

const routes = (service: ReleaseService): Route[] => [
  ...releaseOperations.map(
    (op): Route => ({
      method: 'POST',
      path: `/kms/${op}`,
      bodyLimit,
      handle: (request) =>
        withNonce(service, async () => ({
          answer: await service.release(op, hostRequest(`/kms/${op}`, request)),
        })),
    }),
  ),
  {
    method: 'POST',
    path: '/kms/list-providers',
    handle: (request) =>
      withNonce(service, async () => ({
        answer: await service.listProviders(hostRequest('/kms/list-providers', request)),
      })),
  },
  { method: 'GET', path: '/kms/healthz', handle: () => ({ body: { health: 'OK' } }) },
];

const hostRequest = (path: string, { headers, raw }: Request): HostRequest => ({
  path,
  authorization: headers.authorization,
  proof: headers.dpop,
  raw,
});

/** Every answer brings the nonce for the next proof; a request without a good one is told it in its refusal (RFC 9449, 8). */
async function withNonce(service: ReleaseService, handle: () => Promise<unknown>): Promise<Reply> {
  try {
    return { body: await handle(), headers: { 'dpop-nonce': await service.nonce() } };
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== 'proof.nonce') throw error;
    throw new Problem('proof.nonce', error.message, { data: { nonce: await service.nonce() } });
  }
}
