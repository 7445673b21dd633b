import type { Static } from 'typebox';
import { type FindingId, findingFacts } from './findings.ts';
import type { Finding as FindingSchema } from './messages.ts';

/** One thing that a check found. `fail` refuses, `warn` and `info` are told. */
export type Finding = Static<typeof FindingSchema>;

/** All that was found, and what follows from it. */
export interface Verdict {
  readonly trusted: boolean;
  readonly findings: readonly Finding[];
}

/** Where a finding was found, and what to do when that differs from the table's advice. */
export type FindingDetail = Pick<Finding, 'pcr' | 'event' | 'image' | 'advice'>;

/** A finding that refuses. Its advice is that of the table unless it is given. */
export const fail = (check: FindingId, detail: string, more: FindingDetail = {}): Finding =>
  finding('fail', check, detail, more);

/** A finding that is told and refuses nothing. */
export const warn = (check: FindingId, detail: string, more: FindingDetail = {}): Finding =>
  finding('warn', check, detail, more);

/** Something worth knowing, about which nothing need be done. */
export const info = (check: FindingId, detail: string, more: FindingDetail = {}): Finding => ({
  check,
  severity: 'info',
  detail,
  ...more,
});

function finding(severity: 'fail' | 'warn', check: FindingId, detail: string, more: FindingDetail): Finding {
  const advice = more.advice ?? findingFacts(check)?.advice;
  return { check, severity, detail, ...more, ...(advice === undefined ? {} : { advice }) };
}

/** One failure is enough; so is an appraisal that did not come to its end. */
export const verdictOf = (findings: readonly Finding[], complete: boolean): Verdict => ({
  trusted: complete && findings.every((finding) => finding.severity !== 'fail'),
  findings,
});
