import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { GroupNews } from '../host/group-register.ts';

/** After a start everything is heard at once: a record names no more subjects than this, and counts all. */
const mostNamed = 100;

/**
 * Records what this kmxd has heard of the group, so that its audit file shows whether a key went out before or after.
 * Called for everything that is heard; gives a record when it is about something new.
 */
export function groupRecord(): (news: GroupNews) => AuditEntry[] {
  let told = '';
  return ({ state, removed, stopped }) => {
    const { epoch, min_epoch, deny, lifted } = state;
    const denied = Object.keys(deny).filter((sub) => (deny[sub] ?? -1) > (lifted[sub] ?? -1));
    const approved = Object.keys(lifted).filter((sub) => !denied.includes(sub));
    const counts = { denials: denied.length, liftings: approved.length };
    const named = { denied: denied.slice(0, mostNamed), lifted: approved.slice(0, mostNamed), removed };
    const detail = { epoch, min_epoch, ...counts, ...named, ...(stopped === undefined ? {} : { stopped }) };
    const now = JSON.stringify([epoch, min_epoch, removed, stopped]);
    if (now === told && denied.length === 0 && approved.length === 0) return [];
    told = now;
    return [
      {
        action: 'group.heard',
        actor: { kind: 'part', id: 'host' },
        target: { kind: 'group', id: 'state' },
        outcome: 'success',
        detail,
      },
    ];
  };
}
