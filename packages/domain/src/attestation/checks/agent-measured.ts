import type { Check } from '../appraisal.ts';
import { fail, warn } from '../verdict.ts';

/**
 * Stops an agent other than that of the image: what handles the keys must itself be among what was measured. A root
 * disk under dm-verity holds the agent, so nothing is left to ask.
 */
export const agentMeasured: Check = {
  id: 'agent.measured',
  run(appraisal) {
    if (!appraisal.has('image')) return [];
    const { agent, covers, name } = appraisal.get('image');
    if (covers.userspace === 'verity') return [];
    if (agent === undefined) {
      if (covers.userspace === 'none') return [];
      return [warn('agent.unnamed', `base image ${name} names no agent, so another one may run beside it`)];
    }
    if (appraisal.has('imaProgress') && appraisal.get('imaProgress').judged?.agent === true) return [];
    return [
      fail('agent.measured', `the agent ${agent.path} of base image ${name} is not among the files that IMA measured`),
    ];
  },
};
