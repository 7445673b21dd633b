import { type BootRules, BootRulesChange, checkedRules, ruleSummaries } from '@vouchsafe/domain/attestation/boot-rules';
import { bootRules } from '@vouchsafe/domain/attestation/boot-rules/table';
import { refuseBreaches } from '@vouchsafe/domain/attestation/image-rules';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { ConfigurationContext } from './context.ts';

/** The rules about what hosts booted. */
export const bootRuleOperations = ({ configuration, ...context }: ConfigurationContext): Operation[] => [
  query(
    {
      name: 'attestation.rules.get',
      method: 'GET',
      path: '/attestation/rules',
      grant: 'READ_ONLY',
      summary: 'Show every rule about what hosts booted: its value, its default and what it does',
    },
    () => ruleSummaries(configuration.rules()),
  ),
  operation(
    {
      name: 'attestation.rules.update',
      method: 'PATCH',
      path: '/attestation/rules',
      grant: 'SECURITY_MGMT',
      summary: 'Set rules; null brings the default back. Refused when an active base image breaks one of them',
      body: BootRulesChange,
    },
    (change) => {
      const next = checkedRules(merged(configuration.rules(), change));
      const active = configuration.images().filter(({ state }) => state === 'active');
      refuseBreaches(
        active.map(({ image }) => image),
        next,
      );
      const entry = changed('config.change', 'boot-rules', 'rules', change);
      recorded(context, entry, () => configuration.setRules(next));
      return ruleSummaries(next).filter(({ id }) => Object.hasOwn(change, id));
    },
  ),
];

/** What is set to its default needs no row, so that it follows when a later version has a better one. */
function merged(rules: BootRules, change: BootRulesChange): BootRules {
  const all = Object.entries({ ...rules, ...change });
  return Object.fromEntries(all.filter(([id, value]) => value !== null && Object.hasOwn(bootRules, id)));
}
