import { writeFileSync } from 'node:fs';
import { readJoinMessage } from '@vouchsafe/domain/group/join';
import type { HostPart } from '../config/paths.ts';
import type { Route } from '../http/server.ts';
import type { Part } from '../part.ts';
import type { HostAuthority } from './authority.ts';
import { LocalParts } from './configurations.ts';
import { Followers } from './followers.ts';
import { GroupHost } from './group-host.ts';
import { groupRoutes } from './group-routes.ts';
import { Invites } from './invites.ts';
import { memberRoutes } from './member-routes.ts';
import type { GroupContext } from './operations/context.ts';
import { levelNow } from './operations/joining.ts';
import { Peers } from './peers.ts';
import { primaryKeyOrders } from './primary-key-orders.ts';
import { obeyingParts, Spreader } from './spreader.ts';
import type { Supervisor } from './supervisor.ts';

/** All that makes a Trust Authority host a member of its group. */
export interface OpenMembership {
  readonly context: GroupContext;
  /** What is served to other hosts, behind the proxy. */
  readonly outside: readonly Route[];
  /** What a part of this host may ask on its own socket. */
  routesFor(part: HostPart): Route[];
  /** The parts run: what was left undone before is done now. */
  started(): void;
  close(): Promise<void>;
}

/** Opens it; at the first start of a host it founds a group. @throws {Problem} */
export async function openMembership(
  { config, paths, store, audit, log }: Part,
  authority: HostAuthority,
  supervisor: Supervisor,
): Promise<OpenMembership> {
  const record = audit.append.bind(audit);
  const now = () => Math.floor(Date.now() / 1000);
  const host = await GroupHost.open({ config, store, audit: (entry) => record(entry), now }, authority);
  const [peers, followers] = [new Peers(), new Followers(host.register)];
  const spreader = new Spreader(host, peers, followers);
  host.onMembers = () => spreader.sync();
  const [invites, parts] = [new Invites(host), new LocalParts(paths)];
  const rejoin = async () => {
    await host.reload();
    writeFileSync(paths.groupCa, host.authority.caPem, { mode: 0o644 });
    spreader.restart();
    await supervisor.restart();
  };
  const context: GroupContext = { host, peers, followers, invites, parts, rejoin };
  const join: Route = {
    method: 'POST',
    path: '/member/join',
    handle: async ({ body }) => ({ body: await invites.accept(readJoinMessage(body)) }),
  };
  return {
    context,
    outside: [join, ...memberRoutes(host, peers, parts)],
    routesFor: (part) => [
      ...(obeyingParts.includes(part) ? groupRoutes(part, host.register, followers, (entry) => record(entry)) : []),
      ...(part === 'kmxd' ? [primaryKeyOrders(host)] : []),
    ],
    started() {
      levelNow(context).catch((error: unknown) => log.warn({ err: error }, 'the configuration was not taken over'));
    },
    async close() {
      host.register.close();
      await spreader.close();
    },
  };
}
