import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { AgentSettings, type ServiceKind, ServiceRecord, serviceKinds } from '../configuration.ts';
import type { KmxaContext } from './context.ts';

const Create = Type.Object(
  { id: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }), ...ServiceRecord.properties },
  { additionalProperties: false },
);

/** The Trust Authority services that this host uses. */
export const serviceOperations = (context: KmxaContext): Operation[] => [
  ...serviceKinds.flatMap((kind) => ofKind(kind, context)),
  query(
    {
      name: 'trusted-infrastructure.settings.get',
      method: 'GET',
      path: '/trusted-infrastructure/settings',
      grant: 'READ_ONLY',
      summary: 'Show the settings of the agent',
    },
    () => context.configuration.settings(),
  ),
  operation(
    {
      name: 'trusted-infrastructure.settings.update',
      method: 'PATCH',
      path: '/trusted-infrastructure/settings',
      grant: 'SECURITY_MGMT',
      summary: 'Change the settings of the agent',
      body: Type.Partial(AgentSettings, { additionalProperties: false }),
    },
    (change) => {
      const next = { ...context.configuration.settings(), ...change };
      const entry = changed('config.change', 'agent-settings', 'agent', change);
      recorded(context, entry, () => context.configuration.setSettings(next));
      return next;
    },
  ),
];

function ofKind(kind: ServiceKind, { configuration, ...context }: KmxaContext): Operation[] {
  const path = `/trusted-infrastructure/${kind}/services`;
  const name = `trusted-infrastructure.${kind}.services`;
  return [
    query(
      {
        name: `${name}.list`,
        method: 'GET',
        path,
        grant: 'READ_ONLY',
        summary: `List the ${kind} services of this host`,
      },
      () =>
        configuration.services(kind).map(({ id, service }) => ({ id, address: service.address, group: service.group })),
    ),
    operation(
      {
        name: `${name}.create`,
        method: 'POST',
        path,
        grant: 'SECURITY_MGMT',
        summary: `Register a ${kind} service`,
        body: Create,
      },
      ({ id, ...service }) => {
        const entry = changed('config.change', `${kind}-service`, id, { address: service.address });
        recorded(context, entry, () => configuration.addService(kind, id, service));
        return id;
      },
    ),
    query(
      {
        name: `${name}.delete`,
        method: 'DELETE',
        path: `${path}/:id`,
        grant: 'SECURITY_MGMT',
        summary: `Remove a ${kind} service`,
      },
      ({ params: { id = '' } }) => {
        const entry = changed('config.change', `${kind}-service`, id, { deleted: true });
        recorded(context, entry, () => configuration.deleteService(kind, id));
      },
    ),
  ];
}
