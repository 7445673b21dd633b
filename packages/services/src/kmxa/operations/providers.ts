import { base64url } from '@vouchsafe/bytes/base64url';
import { type Operation, query } from '../../management/operation.ts';
import { checkProvider } from '../provider-check.ts';
import type { KmxaContext } from './context.ts';

const path = '/trusted-infrastructure/kms/providers';

/** The key providers that this host may use. */
export const providerOperations = ({ providers, audit, identity, pushTpm }: KmxaContext): Operation[] => [
  query(
    {
      name: 'trusted-infrastructure.identity.get',
      method: 'GET',
      path: '/trusted-infrastructure/identity',
      grant: 'READ_ONLY',
      summary: 'Show what a center needs to seal keys to this host: its key, and its TPM where there is one',
    },
    async () => {
      const tpm = await pushTpm.describe().catch(() => undefined);
      return {
        id: identity.id,
        enc: identity.jwk,
        ...(tpm === undefined ? {} : { tpm: { ek: base64url(tpm.ek), storage: base64url(tpm.storage) } }),
      };
    },
  ),
  query(
    {
      name: 'trusted-infrastructure.kms.providers.list',
      method: 'GET',
      path,
      grant: 'READ_ONLY',
      summary:
        'List the key providers that this host may use: as the Key Provider Service tells it now, and as a center gave them',
    },
    () => providers.list(),
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
