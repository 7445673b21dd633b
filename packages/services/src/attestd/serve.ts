import type { BootRecord } from '@vouchsafe/domain/attestation/appraisal';
import { ChallengeRequest, Evidence, maxLogBytes } from '@vouchsafe/domain/attestation/messages';
import { validator } from '@vouchsafe/domain/parse';
import type { HostConfig } from '../config/host.ts';
import { certifiedKey } from '../host/certified-key.ts';
import { httpServer, listenOnSocket, type Route } from '../http/server.ts';
import { routesOf } from '../management/operation.ts';
import { openPart, type Running } from '../part.ts';
import { AttestationService } from './attestation-service.ts';
import { AttestationConfiguration } from './configuration.ts';
import { attestdOperations } from './operations/table.ts';

/** Two logs of full size in base64, and the rest of the evidence. */
const evidenceLimit = Math.ceil((2 * maxLogBytes * 4) / 3) + 65536;
const readChallenge = validator('challenge request', ChallengeRequest);
const readEvidence = validator('evidence', Evidence);

/** The Attestation Service of this host. @throws {Problem} */
export async function serveAttestd(config: HostConfig): Promise<Running> {
  const part = openPart(config, 'attestd');
  const { paths, store, audit, log } = part;
  const key = await certifiedKey(paths.certify('attestd'));
  const configuration = new AttestationConfiguration(store);
  const record = audit.append.bind(audit);
  const service = new AttestationService({
    instance: `urn:vouchsafe:attestd:${config.name}`,
    group: key.group,
    configuration,
    signer: key.current,
    boots: {
      get: (ek) => store.getState('boots', ek) as BootRecord | undefined,
      put: (ek, boot) => store.putState('boots', ek, boot),
    },
    audit: record,
    now: () => Math.floor(Date.now() / 1000),
  });
  const context = { configuration, store, audit: record, now: () => new Date() };
  const served = await listenOnSocket(httpServer(routes(service), log), paths.service('attestd'), 0o660);
  const admin = await listenOnSocket(httpServer(routesOf(attestdOperations(context)), log), paths.admin('attestd'));
  return {
    async close() {
      await Promise.all([served.close(), admin.close()]);
      key.close();
      part.close();
    },
  };
}

const routes = (service: AttestationService): Route[] => [
  {
    method: 'POST',
    path: '/attestation/challenge',
    handle: async ({ body }) => ({ body: await service.begin(readChallenge(body)) }),
  },
  {
    method: 'POST',
    path: '/attestation/report',
    bodyLimit: evidenceLimit,
    handle: async ({ body }) => ({ body: await service.report(readEvidence(body)) }),
  },
  { method: 'GET', path: '/attestation/healthz', handle: () => ({ body: { health: 'OK' } }) },
];
