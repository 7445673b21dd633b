import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { defaultProvider, Provider } from '../configuration.ts';
import type { KmxdContext } from './context.ts';

const { name, description, servers, uses, share, accept_unmeasured_userspace, accept_auto_enrolled } =
  Provider.properties;

const Settings = Type.Partial(
  Type.Object({ description, uses, share, accept_unmeasured_userspace, accept_auto_enrolled, servers }),
  { additionalProperties: false },
);
const Create = Type.Object(
  {
    name,
    /** Name of the primary key on the key server, where it exists already. */
    master_key_id: Type.String({ minLength: 1, maxLength: 256 }),
    servers,
    description: Settings.properties.description,
    uses: Settings.properties.uses,
    share: Settings.properties.share,
    accept_unmeasured_userspace: Settings.properties.accept_unmeasured_userspace,
    accept_auto_enrolled: Settings.properties.accept_auto_enrolled,
  },
  { additionalProperties: false },
);

/** The trusted key providers. */
export const providerOperations = ({ providers, ...context }: KmxdContext): Operation[] => [
  query(
    {
      name: 'kms.providers.list',
      method: 'GET',
      path: '/kms/providers',
      grant: 'READ_ONLY',
      summary: 'List the trusted key providers',
    },
    () => providers.list().map(({ id, name, description }) => ({ id, name, description })),
  ),
  operation(
    {
      name: 'kms.providers.create',
      method: 'POST',
      path: '/kms/providers',
      grant: 'SECURITY_MGMT',
      summary: 'Make a key of a key server the primary key of a new provider',
      body: Create,
    },
    ({ master_key_id, servers, ...settings }) => {
      const primary_keys = [{ uid: master_key_id, role: 'current' as const }];
      const entry = changed('config.change', 'provider', settings.name, { created: true, master_key_id });
      return recorded(context, entry, () => providers.add({ ...defaultProvider, ...settings, servers, primary_keys }));
    },
  ),
  query(
    {
      name: 'kms.providers.get',
      method: 'GET',
      path: '/kms/providers/:provider',
      grant: 'READ_ONLY',
      summary: 'Show a key provider',
    },
    ({ params: { provider = '' } }) => providers.get(provider),
  ),
  operation(
    {
      name: 'kms.providers.update',
      method: 'PATCH',
      path: '/kms/providers/:provider',
      grant: 'SECURITY_MGMT',
      summary: 'Change what a key provider asks of hosts and allows them',
      body: Settings,
    },
    (change, { params: { provider = '' } }) => {
      const found = providers.get(provider);
      const next = { ...found, ...change };
      recorded(context, changed('config.change', 'provider', found.id, change), () => providers.put(next));
      return next;
    },
  ),
  query(
    {
      name: 'kms.providers.delete',
      method: 'DELETE',
      path: '/kms/providers/:provider',
      grant: 'SECURITY_MGMT',
      summary: 'Delete a key provider: its KEKs cannot be opened any more',
    },
    ({ params: { provider = '' } }) => {
      const { id, name } = providers.get(provider);
      const entry = changed('config.change', 'provider', id, { deleted: true, name });
      recorded(context, entry, () => providers.delete(id));
    },
  ),
];
