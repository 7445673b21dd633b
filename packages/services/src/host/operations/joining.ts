import { InviteFile, readInvite } from '@vouchsafe/domain/group/invite';
import { MemberUrl } from '@vouchsafe/domain/group/member';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation } from '../../management/operation.ts';
import { isMemberOf, joinGroup, joinIsPending } from '../joining.ts';
import { type Levelled, level, levellingDone, levellingFrom } from '../levelling.ts';
import type { GroupContext } from './context.ts';

const Join = Type.Object({ invite: InviteFile, url: Type.Optional(MemberUrl) }, { additionalProperties: false });
const Level = Type.Object({ from: Type.String({ maxLength: 256 }) }, { additionalProperties: false });

/** How this host becomes a member, and takes over what members have in common. */
export const joinOperations = (context: GroupContext): Operation[] => {
  const { host, parts } = context;
  return [
    operation(
      {
        name: 'host.group.join',
        method: 'POST',
        path: '/host/join',
        grant: 'SECURITY_MGMT',
        summary: 'Join the group of an invite; the unused group of this host is given up',
        body: Join,
      },
      async ({ invite, url }) => {
        readInvite(JSON.stringify(invite));
        if (!isMemberOf(host, invite)) {
          await refuseUsed(context);
          const order = url === undefined ? { invite } : { invite, url };
          await joinGroup(host, order);
          await context.rejoin();
        }
        const levelled = await levelNow(context);
        return { group: host.group.id, members: host.list.members().map(({ name }) => name), levelled };
      },
    ),
    operation(
      {
        name: 'host.group.level',
        method: 'POST',
        path: '/host/level',
        grant: 'SECURITY_MGMT',
        summary: 'Take over the configuration of another member where it is newer',
        body: Level,
      },
      ({ from }) => level(host, parts, from),
    ),
  ];
};

/** What a new member still has to take over; what fails now is tried again at the next start, and by `ta level`. */
export async function levelNow({ host, parts }: GroupContext): Promise<Levelled[]> {
  const from = levellingFrom(host);
  if (from === undefined) return [];
  const levelled = await level(host, parts, from);
  levellingDone(host);
  return levelled;
}

/** A group that somebody pinned or that holds somebody's keys is not thrown away. */
async function refuseUsed({ host, parts, invites }: GroupContext): Promise<void> {
  const { standing } = host.register;
  const used = [
    host.list.members().length > 1 || host.list.tombstones().length > 0 ? 'it has had other members' : undefined,
    invites.waiting > 0 ? 'an invite into it is waiting' : undefined,
    standing.epoch > 0 || standing.subjects > 0 ? 'it has taken trust away before' : undefined,
    joinIsPending(host.store) || (await parts.isUntouched()) ? undefined : 'attestd or kmxd is configured',
  ].filter((each) => each !== undefined);
  if (used.length > 0) throw new Problem('host.in-group', `group ${host.group.id}: ${used.join('; ')}`);
}
