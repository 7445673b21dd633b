import type { ProvenFacts } from '@vouchsafe/eventlog/proven';
import type { Static, TSchema } from 'typebox';
import type { BaseImage } from '../base-image.ts';

/** What a rule looks at. */
export interface BootContext {
  /** What the log of the host proves, of quoted PCRs only. */
  readonly facts: ProvenFacts;
  /** The base image that the host matched; undefined when it matched none. */
  readonly image: BaseImage | undefined;
}

/** How a boot breaks a rule. */
export interface Breach {
  /** What was found, in an operator's words; or which fact could not be proven. */
  readonly detail: string;
  readonly pcr?: number;
  readonly event?: number;
  /** `fail` when absent. */
  readonly severity?: 'fail' | 'warn' | 'info';
}

/** What a rule can be set to. */
export type RuleValue = boolean | string | readonly string[];

/** A named toggle. A rule only refuses: no value of any rule accepts what the base images do not. */
export interface BootRule {
  /** One sentence for whoever decides about it. */
  readonly help: string;
  /** The attack that it stops. */
  readonly stops: string;
  /** What to do when a host breaks it. */
  readonly advice: string;
  /** What must be proven for it; when it is not, the rule is broken. */
  readonly needs: string;
  readonly schema: TSchema;
  readonly default: RuleValue;
  /** Whether the value switches the rule on at all. */
  active(value: RuleValue): boolean;
  check(value: RuleValue, context: BootContext): readonly Breach[];
  /** Why a value of the right form is refused when it is written. */
  lint?(value: RuleValue): string | undefined;
}

interface Definition<S extends TSchema> {
  readonly help: string;
  readonly stops: string;
  readonly advice: string;
  readonly needs: string;
  readonly schema: S;
  readonly default: Static<S> & RuleValue;
  check(value: Static<S>, context: BootContext): readonly Breach[];
  lint?(value: Static<S>): string | undefined;
}

/** A rule whose check gets values of its own schema: what is stored was checked against it. */
export function rule<S extends TSchema>(definition: Definition<S>): BootRule {
  const { check, lint } = definition;
  return {
    ...definition,
    active: (value) =>
      value !== false && value !== 'any' && value !== '' && !(Array.isArray(value) && value.length === 0),
    check: (value, context) => check(value as Static<S>, context),
    ...(lint === undefined ? {} : { lint: (value: RuleValue) => lint(value as Static<S>) }),
  };
}

/** The breach of a rule whose fact is not there. */
export const unproven = (what: string, pcr: number): Breach => ({ detail: `${what} is not proven`, pcr });
