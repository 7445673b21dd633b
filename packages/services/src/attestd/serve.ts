import type { BootRecord } from '@vouchsafe/domain/attestation/appraisal';
import type { HostConfig } from '../config/host.ts';
import { certifiedKey } from '../host/certified-key.ts';
import { httpServer, listenOnSocket } from '../http/server.ts';
import { routesOf } from '../management/operation.ts';
import { openPart, type Running } from '../part.ts';
import { AttestationService } from './attestation-service.ts';
import { AttestationConfiguration } from './configuration.ts';
import { attestdOperations } from './operations/table.ts';
import { attestationRoutes } from './routes.ts';

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
  const served = await listenOnSocket(httpServer(attestationRoutes(service), log), paths.service('attestd'), 0o660);
  const admin = await listenOnSocket(httpServer(routesOf(attestdOperations(context)), log), paths.admin('attestd'));
  return {
    async close() {
      await Promise.all([served.close(), admin.close()]);
      key.close();
      part.close();
    },
  };
}
