import type { AppraisalInput } from './appraisal.ts';
import { evidenceDigest } from './evidence-digest.ts';
import { policyDigest } from './policy-digest.ts';

/** What stays of a verdict for good: which evidence, under which policy. With both at hand it can be repeated. */
export interface VerdictRecord {
  /** See `evidenceDigest`. */
  readonly evidence: string;
  /** See `policyDigest`. */
  readonly policy: string;
  readonly epoch: number;
}

export const verdictRecord = (input: AppraisalInput): VerdictRecord => ({
  evidence: evidenceDigest(input),
  policy: policyDigest(input.policy),
  epoch: input.policy.epoch,
});
