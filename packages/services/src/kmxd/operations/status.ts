import { type Operation, query } from '../../management/operation.ts';
import type { KmxdContext } from './context.ts';

/** Whoever has the disk has the keys under which the key servers know this host. */
const clearKey =
  'the key that seals the secrets of this host lies on the same disk: name its TPM in host.toml (tpm = "/dev/tpmrm0"), or encrypt the disk';

/** Health of the providers, by real requests to their key servers. */
export const statusOperations = ({ providers, kmip, seal }: KmxdContext): Operation[] => [
  query(
    {
      name: 'kms.status.get',
      method: 'GET',
      path: '/kms/status',
      grant: 'READ_ONLY',
      summary: 'Show the health of the service',
    },
    () => {
      const none = providers.list().length === 0;
      const complaints: [boolean, string][] = [
        [none, 'no key provider is configured'],
        [seal === 'file', clearKey],
      ];
      const details = complaints
        .filter(([applies]) => applies)
        .map(([, message]) => ({ severity: 'WARNING', message }));
      return { health: none ? 'NONE' : details.length === 0 ? 'OK' : 'WARNING', details };
    },
  ),
  query(
    {
      name: 'kms.providers.status.get',
      method: 'GET',
      path: '/kms/providers/:provider/status',
      grant: 'READ_ONLY',
      summary: 'Ask the key server of a provider for its primary key, and say how that went',
    },
    async ({ params: { provider = '' } }) => {
      const found = providers.get(provider);
      const current = found.primary_keys.find(({ role }) => role === 'current');
      try {
        const { active } = await kmip.get(found, String(current?.uid));
        return {
          health: active ? 'OK' : 'ERROR',
          details: active ? [] : [{ severity: 'ERROR', message: 'the primary key is not active' }],
        };
      } catch (error) {
        return { health: 'ERROR', details: [{ severity: 'ERROR', message: (error as Error).message }] };
      }
    },
  ),
];
