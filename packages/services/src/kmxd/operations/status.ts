import { type Operation, query } from '../../management/operation.ts';
import type { KmxdContext } from './context.ts';

/** Health of the providers, by real requests to their key servers. */
export const statusOperations = ({ providers, kmip }: KmxdContext): Operation[] => [
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
      return {
        health: none ? 'NONE' : 'OK',
        details: none ? [{ severity: 'WARNING', message: 'no key provider is configured' }] : [],
      };
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
