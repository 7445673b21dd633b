import type { Static } from 'typebox';
import type { Finding as FindingSchema } from './messages.ts';

/** One thing that a check found. `fail` refuses, `warn` and `info` are told. */
export type Finding = Static<typeof FindingSchema>;

/** All that was found, and what follows from it. */
export interface Verdict {
  readonly trusted: boolean;
  readonly findings: readonly Finding[];
}

export const fail = (check: string, detail: string, more: { pcr?: number; advice?: string } = {}): Finding => ({
  check,
  severity: 'fail',
  detail,
  ...more,
});

export const warn = (check: string, detail: string, more: { pcr?: number; advice?: string } = {}): Finding => ({
  check,
  severity: 'warn',
  detail,
  ...more,
});

export const info = (check: string, detail: string): Finding => ({ check, severity: 'info', detail });

/** One failure is enough; so is an appraisal that did not come to its end. */
export const verdictOf = (findings: readonly Finding[], complete: boolean): Verdict => ({
  trusted: complete && findings.every((finding) => finding.severity !== 'fail'),
  findings,
});
