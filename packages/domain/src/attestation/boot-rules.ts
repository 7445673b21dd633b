import Type, { type TSchema } from 'typebox';
import type { RuleValue } from './boot-rules/rule.ts';
import { bootRules, type RuleId, ruleIds } from './boot-rules/table.ts';

/** The rules that were set; those that are not here have their defaults. */
export type BootRules = Readonly<Partial<Record<RuleId, RuleValue>>>;

/** Nothing set: every rule as its table row says. */
export const defaultBootRules: BootRules = {};

const members: Record<string, TSchema> = Object.fromEntries(
  ruleIds.map((id) => [id, Type.Optional(bootRules[id].schema)]),
);

/** Stored and sent form of {@link BootRules}: an unknown rule is an error, never ignored. */
export const BootRulesSchema = Type.Unsafe<BootRules>(Type.Object(members, { additionalProperties: false }));

/** What a rule is set to. */
export const ruleValue = (rules: BootRules, id: RuleId): RuleValue => rules[id] ?? bootRules[id].default;

/**
 * What is wrong with rules that have the right form: patterns that everything matches, names that do not exist, and a
 * parameter that is asked for and forbidden at once, so that no boot could have both.
 */
export function lintRules(rules: BootRules): string[] {
  const own = ruleIds.flatMap((id) => {
    const why = bootRules[id].lint?.(ruleValue(rules, id));
    return why === undefined ? [] : [`${id}: ${why}`];
  });
  return own.length > 0 ? own : contradictions(rules);
}

function contradictions(rules: BootRules): string[] {
  const forbidden = ruleValue(rules, 'cmdline.forbidden') as readonly string[];
  const required = ruleValue(rules, 'cmdline.required') as readonly string[];
  return required
    .filter((pattern) => forbidden.includes(pattern))
    .map((pattern) => `cmdline.required: ${pattern} is forbidden by cmdline.forbidden`);
}
