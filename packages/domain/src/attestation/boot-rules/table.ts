import type { BootRule } from './rule.ts';
import { secureBootRequired } from './secure-boot-required.ts';

/** Every rule about what a host booted, by id. */
export const bootRules = {
  'secure-boot.required': secureBootRequired,
} as const satisfies Record<string, BootRule>;
export type RuleId = keyof typeof bootRules;

export const ruleIds = Object.keys(bootRules) as RuleId[];
