import { appraise, type Check } from '@vouchsafe/domain/attestation/appraisal';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { Problem } from '@vouchsafe/domain/problem';
import { inputOf } from './compose.ts';
import type { Parts } from './parts.ts';

/** What a verifier made of an attestation. */
export type Outcome =
  | { readonly trusted: boolean; readonly findings: readonly string[]; readonly details: readonly string[] }
  | { readonly problem: string; readonly message: string };

export function outcomeOf(parts: Parts, checks: readonly Check[] = attestationChecks): Outcome {
  try {
    const { trusted, findings } = appraise(inputOf(parts), checks);
    const failed = findings.filter(({ severity }) => severity === 'fail');
    const ids = [...new Set(failed.map(({ check }) => check))].toSorted();
    return { trusted, findings: ids, details: failed.map(({ check, detail }) => `${check}: ${detail}`) };
  } catch (error) {
    if (error instanceof Problem) return { problem: error.kind, message: error.message };
    throw error;
  }
}
