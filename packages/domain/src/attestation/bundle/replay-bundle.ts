import { type Appraised, appraise, type Check } from '../appraisal.ts';
import type { AttestationPolicy } from '../policy.ts';
import { type Finding, fail, warn } from '../verdict.ts';
import { inputOf } from './evidence-bundle.ts';
import type { PresentedBundle } from './verify-bundle.ts';

/** A verdict of some day, and what the checks of today make of the same evidence under the same policy at that time. */
export interface Replayed {
  readonly recorded: PresentedBundle['statement']['verdict'];
  readonly today: Appraised;
  /** What the two differ in; nothing when they agree. */
  readonly differences: readonly Finding[];
}

/**
 * Appraises the evidence of a verified bundle anew.
 * @param policy of that day, read from the bundle's documents
 */
export function replayBundle(
  { statement, content }: Pick<PresentedBundle, 'statement' | 'content'>,
  policy: AttestationPolicy,
  checks: readonly Check[],
): Replayed {
  const { verdict: recorded, epoch } = statement;
  const today = appraise(inputOf(content, { ...policy, epoch }), checks);
  return { recorded, today, differences: differencesOf(recorded, today) };
}

type Verdict = Replayed['recorded'];

/** The outcome is the verdict; other reasons for the same outcome are told, and are no contradiction. */
function differencesOf(recorded: Verdict, today: Pick<Appraised, 'trusted' | 'findings'>): Finding[] {
  const [then, now] = [failuresOf(recorded.findings), failuresOf(today.findings)];
  if (recorded.trusted !== today.trusted) {
    const [was, is] = [recorded.trusted, today.trusted].map((trusted) => (trusted ? 'trusted' : 'not trusted'));
    const detail = `the recorded verdict is ${was}, this version says ${is} (recorded: ${then}; now: ${now})`;
    return [fail('bundle.differs', detail)];
  }
  return then === now ? [] : [warn('bundle.reasons', `recorded failures: ${then}; this version finds: ${now}`)];
}

const failuresOf = (findings: readonly Pick<Finding, 'check' | 'severity'>[]): string =>
  [...new Set(findings.filter(({ severity }) => severity === 'fail').map(({ check }) => check))]
    .toSorted()
    .join(', ') || 'none';
