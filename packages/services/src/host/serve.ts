import { writeFileSync } from 'node:fs';
import { validator } from '@vouchsafe/domain/parse';
import Type from 'typebox';
import type { HostConfig } from '../config/host.ts';
import { type HostPart, hostParts } from '../config/paths.ts';
import { forward } from '../http/forward.ts';
import { httpServer, type Listening, listenOnSocket, type Route } from '../http/server.ts';
import { type Operation, query, routesOf } from '../management/operation.ts';
import { openPart, type Part, type Running } from '../part.ts';
import { sealOf } from '../seal/part-key.ts';
import { HostAuthority } from './authority.ts';
import { openMembership } from './membership.ts';
import { groupOperations } from './operations/table.ts';
import { Supervisor } from './supervisor.ts';

/** The parts of each role. */
const partsOf: Record<HostConfig['role'], readonly HostPart[]> = {
  'trust-authority': ['attestd', 'kmxd', 'proxy'],
  trusted: ['kmxa', 'proxy'],
};

/** Administration that comes to the host as a whole, and the part that it is for. */
const administered: Record<HostConfig['role'], readonly (readonly [HostPart, string])[]> = {
  'trust-authority': [
    ['attestd', '/attestation'],
    ['kmxd', '/kms'],
  ],
  trusted: [['kmxa', '/trusted-infrastructure']],
};

const readRequest = validator('certification request', Type.Object({ public_key: Type.String({ maxLength: 2048 }) }));

const readMigration = validator(
  'migration certificate request',
  Type.Object({ public_key: Type.String({ maxLength: 2048 }), host: Type.String({ maxLength: 253 }) }),
);

/** How the supervisor starts a part of this host. */
export type PartCommand = (part: HostPart) => readonly [string, ...string[]];

/**
 * The part `host`: identity of the host, the CA behind it, and the watch over the other parts. It knows no secret of
 * theirs: their keys are made by themselves, and it certifies only the public halves.
 *
 * @param command starts a part as a child; undefined when units of the system start the parts
 */
export async function serveHost(config: HostConfig, command?: PartCommand): Promise<Running> {
  const part = await openPart(config, 'host');
  const { paths, store, log } = part;
  const authority = await HostAuthority.open(config, store);
  const supervisor = new Supervisor(log);
  const membership = config.role === 'trust-authority' ? await openMembership(part, authority, supervisor) : undefined;
  const authorityNow = () => membership?.context.host.authority ?? authority;
  writeFileSync(paths.groupCa, authorityNow().caPem, { mode: 0o644 });
  const listening: Listening[] = [];
  const close = async () => {
    await supervisor.stop();
    await membership?.close();
    await Promise.all(listening.map((each) => each.close()));
    part.close();
  };
  try {
    for (const each of hostParts) {
      const routes = membership?.routesFor(each) ?? [];
      const migration = each === 'kmxd' && membership !== undefined ? [migrationRoute(authorityNow, part)] : [];
      const server = httpServer([certifyRoute(each, authorityNow, part), ...migration, ...routes], log);
      listening.push(await listenOnSocket(server, paths.certify(each), 0o600));
    }
    const operations = membership === undefined ? [] : groupOperations(membership.context);
    const admin = httpServer(routesOf([...hostOperations(config, authorityNow, supervisor), ...operations]), log);
    for (const [each, prefix] of administered[config.role]) {
      await forward(admin, { prefix, part: each, socket: paths.admin(each), timeout: 0 });
    }
    listening.push(await listenOnSocket(admin, paths.admin('host')));
    if (membership !== undefined)
      listening.push(await listenOnSocket(httpServer(membership.outside, log), paths.service('host'), 0o660));
    if (command !== undefined) {
      await supervisor.start(
        partsOf[config.role].map((each) => ({ part: each, argv: command(each), log: paths.log(each) })),
      );
    }
    membership?.started();
  } catch (error) {
    // Parts that did start would be kept alive by a host that did not.
    await close();
    throw error;
  }
  return { close };
}

function certifyRoute(of: HostPart, authorityNow: () => HostAuthority, { audit }: Part): Route {
  return {
    method: 'POST',
    path: '/host/certify',
    async handle({ body }) {
      const authority = authorityNow();
      const certificate = await authority.certify(of, readRequest(body).public_key);
      audit.append({
        action: 'group.certify',
        actor: { kind: 'part', id: of },
        target: { kind: 'certificate', id: of },
        outcome: 'success',
        detail: {},
      });
      return { body: { certificate, ca: authority.caPem } };
    },
  };
}

/** For kmxd alone: it has checked whose key it is. */
const migrationRoute = (authorityNow: () => HostAuthority, { audit }: Part): Route => ({
  method: 'POST',
  path: '/host/migration-certificate',
  async handle({ body }) {
    const { public_key, host } = readMigration(body);
    const certified = await authorityNow().certifyMigration(public_key, host);
    audit.append({
      action: 'group.certify',
      actor: { kind: 'part', id: 'kmxd' },
      target: { kind: 'migration-certificate', id: host },
      outcome: 'success',
      detail: {},
    });
    return { body: certified };
  },
});

/** The management API of the part `host`. */
export const hostOperations = (
  config: HostConfig,
  authorityNow: () => HostAuthority,
  supervisor: Supervisor,
): Operation[] => [
  query(
    {
      name: 'host.status.get',
      method: 'GET',
      path: '/host/status',
      grant: 'READ_ONLY',
      summary: 'Show identity, group and the parts of this host',
    },
    () => ({
      name: config.name,
      role: config.role,
      group: config.role === 'trust-authority' ? authorityNow().group : config.group,
      url: config.url ?? `https://${config.listen}`,
      seal: sealOf(config).seal,
      parts: supervisor.status(),
    }),
  ),
];
