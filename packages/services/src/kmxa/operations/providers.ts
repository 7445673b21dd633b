import { type Operation, query } from '../../management/operation.ts';
import { checkProvider } from '../provider-check.ts';
import type { KmxaContext } from './context.ts';

const path = '/trusted-infrastructure/kms/providers';

/** The key providers that this host may use. */
export const providerOperations = ({ providers, audit }: KmxaContext): Operation[] => [
  query(
    {
      name: 'trusted-infrastructure.kms.providers.list',
      method: 'GET',
      path,
      grant: 'READ_ONLY',
      summary: 'List the key providers that this host may use, as the Key Provider Service tells it now',
    },
    async () =>
      (await providers.list()).map(({ prv, name, uses }) => ({
        provider: prv,
        name,
        kind: 'trusted',
        uses,
        ...availability(uses),
      })),
  ),
  query(
    {
      name: 'trusted-infrastructure.kms.providers.check',
      method: 'POST',
      path: `${path}/:provider/check`,
      grant: 'SECURITY_MGMT',
      summary: 'Ask a provider for a new key, open it again, and discard it',
    },
    async ({ params: { provider = '' } }) => {
      const found = await providers.uncached(provider);
      return { name: provider, ...(await checkProvider(found, audit)) };
    },
  ),
];

/** A provider whose keys must not run VMs is of no use to a host. */
const availability = (uses: readonly string[]) =>
  uses.includes('run') ? { available: true, details: [] } : { available: false, details: ['its keys may not run VMs'] };
