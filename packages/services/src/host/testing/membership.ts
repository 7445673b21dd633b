import { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import type { Problem } from '@vouchsafe/domain/problem';
import type { Membership } from '../group-link.ts';

/** A member whose group has taken nothing away yet; a test changes its standing, or stops it. */
export interface TestMembership extends Membership {
  stopped: Problem | undefined;
}

export function testMembership(): TestMembership {
  const membership: TestMembership = {
    standing: new GroupStanding(),
    stopped: undefined,
    mustServe() {
      if (membership.stopped !== undefined) throw membership.stopped;
    },
  };
  return membership;
}
