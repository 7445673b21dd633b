import { MemberName, type Tombstone } from '@vouchsafe/domain/group/member';
import { thumbprint } from '@vouchsafe/domain/keys/jwk';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { acknowledgements } from './acknowledgements.ts';
import type { GroupContext } from './context.ts';

const Invite = Type.Object({ name: Type.Optional(MemberName) }, { additionalProperties: false });

/** Who belongs to the group. */
export const memberOperations = (context: GroupContext): Operation[] => {
  const { host, invites } = context;
  return [
    query(
      {
        name: 'host.members.list',
        method: 'GET',
        path: '/host/members',
        grant: 'READ_ONLY',
        summary: 'List the Trust Authority hosts of the group with their fingerprints',
      },
      () => [...host.list.members().map((member) => entry(context, member)), ...removed(context)],
    ),
    operation(
      {
        name: 'host.members.invite',
        method: 'POST',
        path: '/host/invites',
        grant: 'SECURITY_MGMT',
        summary: 'Make an invite for one host; the answer holds its secret, once',
        body: Invite,
      },
      ({ name }) => {
        if (host.removed) throw new Problem('object.in-use', 'this host was removed from the group');
        return invites.create(name);
      },
    ),
    query(
      {
        name: 'host.members.remove',
        method: 'POST',
        path: '/host/members/:name/remove',
        grant: 'SECURITY_MGMT',
        summary: 'Remove a Trust Authority host from the group, for good',
      },
      async ({ params: { name = '' } }) => {
        const member = host.member(name);
        const { id: me } = host.identity;
        if (member.id === me)
          throw new Problem('object.in-use', `${member.name} is this host: remove it on another member`);
        // Whom it let in stays: this host says so, since the word of a removed member counts no more.
        const confirmed = await Promise.all(
          host.list.entriesBy(member.id).map((each) => host.say({ ...each, by: me, gen: each.gen + 1 })),
        );
        const statement: Tombstone = {
          v: 1,
          group: host.group.id,
          id: member.id,
          name: member.name,
          by: me,
          removed: host.now(),
        };
        const tombstone = await host.say(statement);
        host.store.together(() => {
          for (const each of confirmed) host.keep(each);
          host.keep(tombstone);
        });
        return { removed: member.name, ...(await acknowledgements(context)) };
      },
    ),
  ];
};

function entry({ host }: GroupContext, member: ReturnType<typeof host.member>) {
  const by = host.list.members().find(({ id }) => id === member.by)?.name ?? member.by;
  return {
    name: member.name,
    url: member.url,
    state: 'member' as const,
    this_host: member.id === host.identity.id,
    id: member.id,
    enc: thumbprint(member.enc),
    by,
    since: new Date(member.added * 1000).toISOString(),
  };
}

function removed({ host }: GroupContext) {
  const gone = new Map(host.list.tombstones().map((tombstone) => [tombstone.id, tombstone]));
  return [...gone.values()].map(({ id, name, removed: at, by }) => ({
    name,
    state: 'removed' as const,
    this_host: id === host.identity.id,
    id,
    by: host.list.members().find((member) => member.id === by)?.name ?? by,
    since: new Date(at * 1000).toISOString(),
  }));
}
