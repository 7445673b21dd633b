/** AR4SI trustworthiness tiers in order of badness (0, 2, 32, 96), as EAR (draft-ietf-rats-ear) writes them. */
export const tiers = ['none', 'affirming', 'warning', 'contraindicated'] as const;
export type TierName = (typeof tiers)[number];

const isTier = (text: string | undefined): text is TierName =>
  (tiers as readonly (string | undefined)[]).includes(text);

/** The worst tier of a trustworthiness vector; the status of an appraisal must be that (EAR, 3.3). */
export const worstOf = (vector: Readonly<Record<string, TierName>>): TierName =>
  Object.values(vector).reduce((a, b) => (tiers.indexOf(a) >= tiers.indexOf(b) ? a : b), 'none');

/** Says why a status is not that of its vector; what is no tier, and an empty vector, is refused. */
export function whyNotWorst(
  status: string | undefined,
  vector: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const odd = [status, ...Object.values(vector)].find((tier) => !isTier(tier));
  if (odd !== undefined || status === undefined)
    return `its status or vector holds ${odd ?? 'nothing'}, which is no tier`;
  if (Object.keys(vector).length === 0) return 'its trustworthiness vector is empty';
  const worst = worstOf(vector as Readonly<Record<string, TierName>>);
  return status === worst ? undefined : `its status is ${status}, the worst of its vector ${worst}`;
}
