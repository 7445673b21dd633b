import { Problem } from '@vouchsafe/domain/problem';
import type { HostConfig } from '../config/host.ts';
import { certifiedKey } from '../host/certified-key.ts';
import { groupLink } from '../host/group-link.ts';
import { withMembershipHealth } from '../host/membership-health.ts';
import { httpServer, listenOnSocket } from '../http/server.ts';
import { type Operation, routesOf } from '../management/operation.ts';
import { keepHeapSmall, openPart, type Part, type Running } from '../part.ts';
import { AttestationService } from './attestation-service.ts';
import { BootHistories } from './boot-histories.ts';
import { AttestationConfiguration } from './configuration.ts';
import { EvidenceArchive } from './evidence-archive.ts';
import { EvidenceKeeper, type GivenVerdict } from './evidence-keeper.ts';
import { ImageSightings } from './image-sightings.ts';
import { LastVerdicts } from './last-verdicts.ts';
import { attestdOperations } from './operations/table.ts';
import { attestationRoutes, evidenceAtOnce } from './routes.ts';
import { TrustReports } from './trust-reports.ts';

/**
 * Milliseconds after which what TPMs said is on the disk. The record of each verdict is there before its answer; this is
 * compared with in memory at once, and only a crash could lose the last of it.
 */
const flushEvery = 1000;

/** The Attestation Service of this host. @throws {Problem} */
export async function serveAttestd(config: HostConfig): Promise<Running> {
  keepHeapSmall();
  const part = await openPart(config, 'attestd');
  const { paths, store, audit, log } = part;
  const key = await certifiedKey(paths.certify('attestd'));
  const membership = await groupLink(paths.certify('attestd'));
  const now = () => Math.floor(Date.now() / 1000);
  const { standing, report } = membership;
  const reports = new TrustReports({ store, standing, report, now });
  const configuration = new AttestationConfiguration(store, reports.take, (sub) => standing.isDenied(sub));
  const record = audit.append.bind(audit);
  const instance = `urn:vouchsafe:attestd:${config.name}`;
  const evidence = new EvidenceKeeper({
    archive: EvidenceArchive.open(paths.evidence),
    settings: () => configuration.evidence(),
    signer: key.current,
    instance,
    group: key.group.id,
    caPem: key.caPem,
    lost: (why) => log.warn({ why }, 'evidence could not be kept'),
  });
  evidence.prune();
  const pruning = setInterval(() => evidence.prune(), 3600_000).unref();
  const sightings = new ImageSightings(store);
  const boots = new BootHistories(store);
  const verdicts = new LastVerdicts(store);
  const flushing = setInterval(() => boots.flush(), flushEvery).unref();
  const service = new AttestationService({
    instance,
    group: key.group,
    membership,
    configuration,
    signer: key.current,
    boots,
    saw: sightings.saw.bind(sightings),
    audit: record,
    record: (entry) => audit.commit(entry),
    keep: (given) => evidence.keep(given),
    explain: (given) => explained(verdicts, given, log),
    whole: () => configuration.evidence().keep === 'all',
    now,
  });
  const context = {
    group: key.group,
    configuration,
    evidence,
    sightings,
    verdicts,
    boots,
    store,
    audit: record,
    now: () => new Date(),
  };
  const served = await listenOnSocket(
    httpServer(attestationRoutes(service), log, { bodies: evidenceAtOnce }),
    paths.service('attestd'),
    0o660,
  );
  const operations = attestdOperations(context)
    .map((each) => toldToGroup(each, reports))
    .map((each) => withMembershipHealth(each, membership, 'attestation.status.get'));
  const admin = await listenOnSocket(httpServer(routesOf(operations), log), paths.admin('attestd'));
  return {
    async close() {
      await Promise.all([served.close(), admin.close()]);
      clearInterval(pruning);
      clearInterval(flushing);
      boots.flush();
      await evidence.settled();
      await reports.close();
      await membership.close();
      key.close();
      part.close();
    },
  };
}

/** No verdict fails because it cannot be explained. */
function explained(verdicts: LastVerdicts, given: GivenVerdict, log: Part['log']): void {
  try {
    verdicts.take(given);
  } catch (error) {
    log.warn({ why: (error as Error).message }, 'a verdict could not be explained');
  }
}

/**
 * A change is answered when the part `host` knows what it takes away: whoever asks next which members obey it gets an
 * answer about this change.
 */
const toldToGroup = (operation: Operation, reports: TrustReports): Operation => ({
  ...operation,
  async handle(request) {
    const reply = await operation.handle(request);
    await reports.flush().catch((cause: unknown) => {
      const what = 'the change is made on this host, and the group is told as soon as that is possible';
      throw new Problem('host.not-ready', `${what}: ${(cause as Error).message}`, { cause });
    });
    return reply;
  },
});
