import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { levellingFrom } from '../levelling.ts';
import { MemberClient } from '../member-client.ts';
import { MemberStatus, ownStatus } from '../member-routes.ts';
import type { GroupContext } from './context.ts';

/** Seconds after which a silent member is complained of. */
const silenceWarning = 60;
/** Seconds that the clocks of members may differ before tokens of one are refused by another. */
const clockLeeway = 30;

const readStatus = validator('status of a member', MemberStatus);
const Settings = Type.Object(
  { max_stale: Type.Integer({ minimum: 0, maximum: 86_400 }) },
  { additionalProperties: false },
);
/** Less would stop a host for the time that a question may be held open. */
const leastMaxStale = 60;

interface Complaint {
  readonly severity: 'WARNING' | 'ERROR';
  readonly message: string;
}

/** How the group is, as this member sees it. */
export const groupStatus = (context: GroupContext): Operation[] => {
  const { host, peers } = context;
  return [
    query(
      {
        name: 'host.group.status.get',
        method: 'GET',
        path: '/host/group/status',
        grant: 'READ_ONLY',
        summary: 'Show the members, what each knows, and what differs between them',
      },
      async () => {
        const own = await ownStatus(host, context.parts);
        const others = await Promise.all(
          host.others().map(async (member) => ({ member, status: await askStatus(context, member) })),
        );
        const members = others.map(({ member, status }) => ({
          name: member.name,
          url: member.url,
          heard: peers.of(member.id).heard === undefined ? null : Math.round(peers.silence(member.id)),
          problem: peers.of(member.id).problem ?? null,
          obeys: peers.of(member.id).obeys >= host.register.version,
          ...(status === undefined ? {} : { status }),
        }));
        const details = complaints(context, own, others);
        const worst = details.some(({ severity }) => severity === 'ERROR') ? 'ERROR' : 'WARNING';
        return {
          group: host.group.id,
          health: details.length === 0 ? 'OK' : worst,
          details,
          epoch: own.epoch,
          denied: host.register.standing.denied(),
          max_stale: own.max_stale,
          own,
          members,
        };
      },
    ),
    operation(
      {
        name: 'host.group.settings.update',
        method: 'PATCH',
        path: '/host/group/settings',
        grant: 'SECURITY_MGMT',
        summary: 'Set after how long without news of most members this host stops issuing and releasing',
        body: Settings,
      },
      ({ max_stale }) => {
        if (max_stale > 0 && host.list.members().length < 3)
          throw new Problem('input.invalid', 'max_stale: needs three members: with two, one outage would stop both');
        if (max_stale > 0 && max_stale < leastMaxStale)
          throw new Problem('input.invalid', `max_stale: expected 0, or ${leastMaxStale} seconds or more`);
        const entry = changed('config.change', 'group', 'settings', { max_stale });
        recorded(host, entry, () => host.store.put('group', 'max_stale', max_stale));
        return { max_stale };
      },
    ),
  ];
};

type Other = { member: ReturnType<GroupContext['host']['member']>; status: MemberStatus | undefined };

async function askStatus({ host }: GroupContext, member: Other['member']): Promise<MemberStatus | undefined> {
  const { group, authority, identity, now } = host;
  const client = new MemberClient({ group, caPem: authority.caPem, identity, now }, member, 3000);
  try {
    return readStatus(await client.call('GET', '/member/status'));
  } catch {
    return undefined;
  } finally {
    await client.close();
  }
}

function complaints({ host, peers }: GroupContext, own: MemberStatus, others: readonly Other[]): Complaint[] {
  const { stopped } = host.register.news();
  const all: (Complaint | false)[] = [
    stopped !== undefined && {
      severity: 'ERROR',
      message: `this host issues no tokens and releases no keys: ${stopped}`,
    },
    levellingFrom(host) !== undefined && {
      severity: 'WARNING',
      message: 'the configuration of the group was not taken over yet',
    },
    own.max_stale > 0 &&
      others.length < 2 && { severity: 'WARNING', message: 'max_stale has no effect with fewer than three members' },
  ];
  for (const { member, status } of others) {
    const { name, id } = member;
    const silence = peers.silence(id);
    if (silence > silenceWarning)
      all.push({
        severity: 'WARNING',
        message: `${name} was not heard of for ${Math.round(silence)} s: what it takes away is not known here`,
      });
    if (status === undefined) continue;
    const off = Math.round(Math.abs(status.time - own.time));
    if (off > clockLeeway)
      all.push({
        severity: 'ERROR',
        message: `clock: ${name} differs by ${off} s: tokens of one are refused by the other`,
      });
    for (const [part, ours] of Object.entries(own.configurations)) {
      const theirs = status.configurations[part];
      if (theirs !== undefined && theirs.digest !== ours.digest)
        all.push({
          severity: 'WARNING',
          message: `${part}: the configuration of ${name} differs (generation ${theirs.generation}, here ${ours.generation}): vouchsafe ta level`,
        });
    }
  }
  return all.filter((each): each is Complaint => each !== false);
}
