import { kindOf } from '@vouchsafe/domain/problem';
import type { Reply } from '../http/server.ts';
import type { Operation } from '../management/operation.ts';
import type { GroupLink } from './group-link.ts';

/** Seconds without news of the part `host` after which a part complains; a question is held open for half of it. */
const silenceWarning = 60;

interface Health {
  readonly health: 'NONE' | 'OK' | 'WARNING' | 'ERROR';
  readonly details: readonly { readonly severity: 'WARNING' | 'ERROR'; readonly message: string }[];
}

/** What a part has to say about its membership, for its status. */
export function membershipComplaints(link: Pick<GroupLink, 'mustServe' | 'silence'>): Health['details'] {
  try {
    link.mustServe();
  } catch (error) {
    if (kindOf(error) !== 'group.stale') throw error;
    return [{ severity: 'ERROR', message: `nothing is served: ${(error as Error).message}` }];
  }
  const silence = Math.floor(link.silence());
  if (silence <= silenceWarning) return [];
  const message = `the part host was not heard of for ${silence} s: what the group takes away is not known here`;
  return [{ severity: 'WARNING', message }];
}

/** A status operation that tells about the membership too; others stay as they are. */
export const withMembershipHealth = (operation: Operation, link: GroupLink, name: string): Operation =>
  operation.name !== name
    ? operation
    : {
        ...operation,
        async handle(request): Promise<Reply> {
          const reply = await operation.handle(request);
          const own = reply.body as Health;
          const details = [...membershipComplaints(link), ...own.details];
          const worst = details.some(({ severity }) => severity === 'ERROR') ? 'ERROR' : 'WARNING';
          return { ...reply, body: { health: details.length > own.details.length ? worst : own.health, details } };
        },
      };
