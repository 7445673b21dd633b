import type { AuditEntry } from '@vouchsafe/domain/audit/record';
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
import { PrimaryKeys, pollInterval, type StateChange } from './primary-keys.ts';
import { HostLimits } from './release-limits.ts';
import { type HostRequest, ReleaseService } from './release-service.ts';
import { Rotations, rotationRetry } from './rotations.ts';

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
  const now = () => Math.floor(Date.now() / 1000);
  // Clocks that are set must neither lengthen nor end the time for which keys are kept.
  const elapsed = () => performance.now() / 1000;
  const kmip = new KmipSource(providers, elapsed);
  const primaryKeys = new PrimaryKeys(kmip, elapsed, (change) => audit.append(stateRecord(change)));
  const poll = () =>
    primaryKeys.poll(providers.list()).catch((error: unknown) => log.error({ err: error }, 'primary keys'));
  const poller = setInterval(poll, pollInterval * 1000).unref();
  void poll();
  const rotations = new Rotations({
    providers,
    primaryKeys,
    store,
    audit: (...entries) => audit.append(...entries),
    others: (provider, step) => membership.primaryKeyStep({ provider, step }),
    now,
  });
  const resuming = setInterval(() => void rotations.resume(), rotationRetry).unref();
  const limits = new HostLimits(() => providers.limits());
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
    limits,
    certifyMigration: membership.certifyMigration,
    audit: (entries) => audit.commit(...entries),
    now,
  });
  const operations = kmxdOperations({
    host: config.name,
    providers,
    primaryKeys,
    limits,
    rotations,
    store,
    seal: part.seal,
    standing: membership.standing,
    report: membership.report,
    now,
    audit: (entry) => audit.append(entry),
  });
  const served = await listenOnSocket(httpServer(routes(service), log), paths.service('kmxd'), 0o660);
  const watched = operations.map((each) => withMembershipHealth(each, membership, 'kms.status.get'));
  const admin = await listenOnSocket(httpServer(routesOf(watched), log), paths.admin('kmxd'));
  return {
    async close() {
      clearInterval(poller);
      clearInterval(resuming);
      await Promise.all([served.close(), admin.close()]);
      await kmip.close();
      await membership.close();
      key.close();
      part.close();
    },
  };
}

/** Everything but a key that is Active when it is seen first is an alarm. */
const stateRecord = ({ provider, uid, from, to }: StateChange): AuditEntry => ({
  action: 'provider.key-state',
  actor: { kind: 'part', id: 'kmxd' },
  target: { kind: 'provider', id: provider.id },
  outcome: to === 'Active' ? 'success' : 'failure',
  detail: { name: provider.name, kid: uid, from: from ?? null, to },
});

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
  signed(service, '/kms/list-providers', (request) => service.listProviders(request)),
  signed(service, '/kms/migration-certificate', (request) => service.migrationCertificate(request)),
  { method: 'GET', path: '/kms/healthz', handle: () => ({ body: { health: 'OK' } }) },
];

const signed = (service: ReleaseService, path: string, answer: (request: HostRequest) => Promise<string>): Route => ({
  method: 'POST',
  path,
  handle: (request) => withNonce(service, async () => ({ answer: await answer(hostRequest(path, request)) })),
});

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
