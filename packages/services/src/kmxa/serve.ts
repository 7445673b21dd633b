import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyReference } from '@vouchsafe/domain/keys/reference';
import { Problem } from '@vouchsafe/domain/problem';
import type { AgentConfig, HostConfig } from '../config/host.ts';
import { httpServer, listenOnSocket, type Route } from '../http/server.ts';
import { eventLog } from '../key-providers/event-log.ts';
import { routesOf } from '../management/operation.ts';
import { openPart, type Running } from '../part.ts';
import { agentIdentity } from './agent-identity.ts';
import { AttestationSchedule } from './attestation-schedule.ts';
import { AgentConfiguration } from './configuration.ts';
import { refuseUnsafeHost } from './guard.ts';
import { hookRoutes } from './hook-server.ts';
import { KekCache } from './kek-cache.ts';
import { KeyReleaseClient } from './key-release-client.ts';
import { LibvirtLink } from './libvirt-link.ts';
import { kmxaOperations } from './operations/table.ts';
import { HostProviders } from './providers.ts';
import { pushRoute } from './push-route.ts';
import { pushTpm } from './push-tpm.ts';
import { PushedKeys } from './pushed-keys.ts';
import { TrustSession } from './trust-session.ts';
import { VmKeys } from './vm-keys.ts';
import { VmLocks } from './vm-lock.ts';
import { converterCode } from './worker-code.ts';

/** The Trusted Infrastructure Agent of this host. @throws {Problem} */
export async function serveKmxa(config: HostConfig): Promise<Running> {
  const { agent, group } = trusted(config);
  const part = await openPart(config, 'kmxa');
  const { paths, store, log } = part;
  const audit = part.audit.append.bind(part.audit);
  const now = () => Math.floor(Date.now() / 1000);
  const configuration = new AgentConfiguration(store, group);
  const trust = new TrustSession(configuration, { agent, group, version: 'vouchsafe kmxa' }, now);
  const release = new KeyReleaseClient(configuration, trust, group, now);
  const cache = new KekCache(
    now,
    () => trust.ageOfTrust(),
    () => configuration.settings().offline_grace,
  );
  const libvirt = new LibvirtLink(agent.libvirt);
  const locks = new VmLocks();
  const identity = agentIdentity(store);
  const tpm = pushTpm(agent);
  const pushed = new PushedKeys({ store, audit, identity, tpm, center: config.center, now });
  const providers = new HostProviders({ configuration, release, cache, pushed, seal: part.seal, now });
  const providerOf = (reference: KeyReference) => providers.of(reference);
  const guard = () => refuseUnsafeHost(agent);
  const vmKeys = new VmKeys({
    libvirt,
    locks,
    store,
    audit,
    guard,
    providerOf,
    tell: eventLog(log),
    host: config.name,
  });
  const workers = Math.min(8, availableParallelism());
  const encryption = { libvirt, locks, vmKeys, store, audit, providerOf, workers, worker: converterCode() };
  const operations = kmxaOperations({
    migrationCertificate: () => release.migrationCertificate(),
    agent,
    configuration,
    trust,
    libvirt,
    encryption,
    providers,
    identity,
    pushTpm: tpm,
    store,
    audit,
  });
  await vmKeys.dropAll();
  const listening = await Promise.all([
    listenOnSocket(httpServer([...publicRoutes, pushRoute(pushed)], log), paths.service('kmxa'), 0o660),
    listenOnSocket(httpServer(routesOf(operations), log), paths.admin('kmxa')),
    listenOnSocket(httpServer(hookRoutes(vmKeys, log), log), paths.hook),
  ]);
  const schedule = new AttestationSchedule({
    attest: () => trust.attest(),
    services: () => configuration.services('attestation').length,
    now,
    log,
    wait: (seconds, signal) => sleep(seconds * 1000, undefined, { signal, ref: false }).catch(() => undefined),
  });
  return {
    async close() {
      schedule.stop();
      await Promise.all(listening.map((each) => each.close()));
      await vmKeys.dropAll();
      libvirt.close();
      cache.clear();
      pushed.close();
      part.close();
    },
  };
}

/** What else the outside may ask an agent: whether it lives. */
const publicRoutes: Route[] = [
  { method: 'GET', path: '/trusted-infrastructure/healthz', handle: () => ({ body: { health: 'OK' } }) },
];

function trusted({ role, agent, group }: HostConfig): { agent: AgentConfig; group: string } {
  if (role === 'trusted' && agent !== undefined && group !== undefined) return { agent, group };
  throw new Problem('config.invalid', `role: kmxa runs on trusted hosts, this is a ${role} host`);
}
