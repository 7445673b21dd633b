import { providerSubject } from '@vouchsafe/domain/group/group-state';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { defaultProvider, hardened, Provider } from '../configuration.ts';
import { providerHealth } from '../provider-health.ts';
import type { KmxdContext } from './context.ts';

const {
  name,
  description,
  servers,
  connection_timeout,
  proxy_server,
  username,
  uses,
  share,
  scopes,
  min_kek_iat,
  accept_unmeasured_userspace,
  accept_auto_enrolled,
  deny_compromised,
  key_ttl,
  alg,
} = Provider.properties;

const plain = {
  description,
  uses,
  share,
  accept_unmeasured_userspace,
  accept_auto_enrolled,
  deny_compromised,
  key_ttl,
  servers,
};
/** Null takes them away. */
const optional = { connection_timeout, proxy_server, username, scopes, min_kek_iat };
const orNull = {
  connection_timeout: Type.Union([connection_timeout, Type.Null()]),
  proxy_server: Type.Union([proxy_server, Type.Null()]),
  username: Type.Union([username, Type.Null()]),
  scopes: Type.Union([scopes, Type.Null()]),
  min_kek_iat: Type.Union([min_kek_iat, Type.Null()]),
};

const master_key_id = Type.String({ minLength: 1, maxLength: 256 });
const Settings = Type.Partial(Type.Object({ ...plain, ...orNull }));
type Settings = Type.Static<typeof Settings>;
const Change = Type.Partial(Type.Object({ master_key_id, ...plain, ...orNull }), { additionalProperties: false });
const { servers: _needed, ...given } = Type.Partial(Type.Object({ ...plain, ...optional })).properties;
const Create = Type.Object(
  {
    name,
    /** Name of the primary key on the key server, where it exists already. */
    master_key_id,
    servers,
    alg,
    ...given,
  },
  { additionalProperties: false },
);

/** The trusted key providers. */
export const providerOperations = (context: KmxdContext): Operation[] => {
  const { providers, primaryKeys, rotations, standing, report, now } = context;
  const isRevoked = ({ id }: Provider) => standing.isDenied(providerSubject(id));
  const change = (found: Provider, settings: Settings, said: object = settings) => {
    const next = withSettings(found, settings);
    recorded(context, changed('config.change', 'provider', found.id, { ...said }), () => providers.put(next));
    return next;
  };
  return [
    query(
      {
        name: 'kms.providers.list',
        method: 'GET',
        path: '/kms/providers',
        grant: 'READ_ONLY',
        summary: 'List the trusted key providers',
      },
      () =>
        providers.list().map((provider) => {
          const { id, name, description } = provider;
          return {
            id,
            name,
            description,
            health: providerHealth(provider, primaryKeys, isRevoked(provider), now()).health,
          };
        }),
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
        return recorded(context, entry, () =>
          providers.add({ ...defaultProvider, ...settings, servers, primary_keys }),
        );
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
        summary:
          'Change what a key provider asks of hosts and allows them, null takes a setting away; another master_key_id rotates the primary key over all members',
        body: Change,
      },
      async ({ master_key_id, ...settings }, { params: { provider = '' } }) => {
        const found = providers.get(provider);
        const next = Object.keys(settings).length > 0 ? change(found, settings) : found;
        if (master_key_id === undefined) return next;
        const rotation = await rotations.rotate(next, master_key_id);
        return { ...providers.get(found.id), rotation };
      },
    ),
    query(
      {
        name: 'kms.providers.harden',
        method: 'POST',
        path: '/kms/providers/:provider/harden',
        grant: 'SECURITY_MGMT',
        summary:
          'Allow keys of a provider only what starts VMs, only in their own scope, only on measured and approved hosts',
      },
      ({ params: { provider = '' } }) => change(providers.get(provider), { ...hardened, uses: [...hardened.uses] }),
    ),
    query(
      {
        name: 'kms.providers.revoke',
        method: 'POST',
        path: '/kms/providers/:provider/revoke',
        grant: 'SECURITY_MGMT',
        summary: 'Release nothing from a provider any more, on no member of the group',
      },
      async ({ params: { provider = '' } }) => {
        const { id, name } = providers.get(provider);
        await report(standing.denial(providerSubject(id), now()));
        context.audit(changed('provider.revoke', 'provider', id, { name }));
      },
    ),
    query(
      {
        name: 'kms.providers.restore',
        method: 'POST',
        path: '/kms/providers/:provider/restore',
        grant: 'SECURITY_MGMT',
        summary: 'Release keys of a revoked provider again',
      },
      async ({ params: { provider = '' } }) => {
        const { id, name } = providers.get(provider);
        context.audit(changed('provider.restore', 'provider', id, { name }));
        await report(standing.lifting(providerSubject(id)));
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
};

/** The settings that are given; null takes one away. */
function withSettings(provider: Provider, settings: Settings): Provider {
  const entries = Object.entries({ ...provider, ...settings }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as unknown as Provider;
}
