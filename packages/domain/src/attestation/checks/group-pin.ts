import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/** Stops a host that would obey another Trust Authority: what it gets here could be wrapped for that one. */
export const groupPin: Check = {
  id: 'host.group',
  run(appraisal) {
    const { group } = appraisal.get('claims');
    const ours = appraisal.input.policy.group.id;
    if (group === ours) return [];
    return [
      fail(this.id, `the host is pinned to group ${group}, this is ${ours}`, {
        advice: 'pin this group on the host, as local root',
      }),
    ];
  },
};
