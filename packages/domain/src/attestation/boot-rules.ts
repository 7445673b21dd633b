import Type, { type TSchema } from 'typebox';
import { Problem } from '../problem.ts';
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

const changes: Record<string, TSchema> = Object.fromEntries(
  ruleIds.map((id) => [id, Type.Optional(Type.Union([bootRules[id].schema, Type.Null()]))]),
);

/** A change of some rules; null brings the default back. */
export type BootRulesChange = Readonly<Partial<Record<RuleId, RuleValue | null>>>;
export const BootRulesChange = Type.Unsafe<BootRulesChange>(Type.Object(changes, { additionalProperties: false }));

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

/** @throws {Problem} `input.invalid` when {@link lintRules} has something against them */
export function checkedRules(rules: BootRules): BootRules {
  const [first, ...more] = lintRules(rules);
  if (first !== undefined) throw new Problem('input.invalid', [first, ...more].join('; '));
  return rules;
}

/** The rules with all defaults in their places: what a verdict was made by, whatever later versions have as default. */
export const allRules = (rules: BootRules): BootRules =>
  Object.fromEntries(ruleIds.map((id) => [id, ruleValue(rules, id)]));

/** A rule as administrators are shown it. */
export interface RuleSummary {
  readonly id: RuleId;
  readonly value: RuleValue;
  readonly default: RuleValue;
  /** Whether it was set; otherwise it has its default. */
  readonly set: boolean;
  readonly help: string;
  readonly stops: string;
  readonly needs: string;
}

export const ruleSummaries = (rules: BootRules): RuleSummary[] =>
  ruleIds.map((id) => {
    const { help, stops, needs, default: standard } = bootRules[id];
    return { id, value: ruleValue(rules, id), default: standard, set: rules[id] !== undefined, help, stops, needs };
  });
