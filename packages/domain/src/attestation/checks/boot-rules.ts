import type { Check } from '../appraisal.ts';
import type { BootContext } from '../boot-rules/rule.ts';
import { bootRules, ruleIds } from '../boot-rules/table.ts';
import type { BootRules } from '../boot-rules.ts';
import { ruleValue } from '../boot-rules.ts';
import { type Finding, fail, info, warn } from '../verdict.ts';

const severities = { fail, warn, info };

/**
 * Stops a boot that matches an image and still breaks a rule of the administrator, and says of one that matches none
 * what else is wrong with it. A rule can only refuse.
 */
export const bootRulesCheck: Check = {
  id: 'boot.rules',
  ofLog: true,
  run(appraisal) {
    const image = appraisal.has('image') ? appraisal.get('image') : undefined;
    return ruleFindings(appraisal.input.policy.rules, { facts: appraisal.get('facts'), image });
  },
};

/** How a boot breaks the rules that are switched on. */
export const ruleFindings = (rules: BootRules, context: BootContext): Finding[] =>
  ruleIds.flatMap((id) => {
    const { active, check, advice } = bootRules[id];
    const value = ruleValue(rules, id);
    if (!active(value)) return [];
    return check(value, context).map(({ detail, severity = 'fail', ...at }) =>
      severities[severity](`rule.${id}`, detail, severity === 'info' ? at : { ...at, advice }),
    );
  });
