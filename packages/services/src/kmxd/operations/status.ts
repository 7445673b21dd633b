import { providerSubject } from '@vouchsafe/domain/group/group-state';
import { type Operation, query } from '../../management/operation.ts';
import { type Complaint, providerHealth } from '../provider-health.ts';
import type { KmxdContext } from './context.ts';

/** Whoever has the disk has the keys under which the key servers know this host. */
const clearKey =
  'the key that seals the secrets of this host lies on the same disk: name its TPM in host.toml (tpm = "/dev/tpmrm0"), or encrypt the disk';

/** Health of the providers, by real requests to their key servers. */
export const statusOperations = ({ providers, primaryKeys, standing, seal, now }: KmxdContext): Operation[] => [
  query(
    {
      name: 'kms.status.get',
      method: 'GET',
      path: '/kms/status',
      grant: 'READ_ONLY',
      summary: 'Show the health of the service',
    },
    () => {
      const all = providers.list();
      const ill = all.flatMap((provider): Complaint[] => {
        const revoked = standing.isDenied(providerSubject(provider.id));
        const { health } = providerHealth(provider, primaryKeys, revoked, now());
        if (health !== 'WARNING' && health !== 'ERROR') return [];
        const message = `key provider ${provider.name}: \`vouchsafe provider status ${provider.name}\` says more`;
        return [{ severity: health, message }];
      });
      const none: Complaint[] = [{ severity: 'WARNING', message: 'no key provider is configured' }];
      const details: Complaint[] = [
        ...(all.length === 0 ? none : ill),
        ...(seal === 'file' ? [{ severity: 'WARNING' as const, message: clearKey }] : []),
      ];
      const failed = details.some(({ severity }) => severity === 'ERROR');
      const health = failed ? 'ERROR' : details.length > 0 ? 'WARNING' : 'OK';
      return { health: all.length === 0 ? 'NONE' : health, details };
    },
  ),
  query(
    {
      name: 'kms.providers.status.get',
      method: 'GET',
      path: '/kms/providers/:provider/status',
      grant: 'READ_ONLY',
      summary: 'Ask all key servers of a provider for its primary keys, and say how that went',
    },
    async ({ params: { provider = '' } }) => {
      const found = providers.get(provider);
      await primaryKeys.poll([found]);
      return providerHealth(found, primaryKeys, standing.isDenied(providerSubject(found.id)), now());
    },
  ),
];
