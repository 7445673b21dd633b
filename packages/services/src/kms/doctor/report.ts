/** How a check of a key server came out. */
export type CheckStatus = 'ok' | 'warning' | 'failed' | 'skipped';

/** One thing that was looked at, in the words of who runs the server. */
export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly detail: string;
  /** What to do; only where there is something to do. */
  readonly advice?: string;
}

/**
 * `fit`: vCenter and Vouchsafe can work with this server. `limited`: they can, and something is missing. `unfit`: they
 * cannot. `untrusted`: its certificate is not the expected one. `denied`: it does not let this client in.
 */
export type Verdict = 'fit' | 'limited' | 'unfit' | 'untrusted' | 'denied';

/** What was found out about a key server. */
export interface Diagnosis {
  /** `HOST:PORT`. */
  readonly server: string;
  readonly verdict: Verdict;
  readonly checks: readonly CheckResult[];
  /** Identifiers of keys that were made and could not be destroyed again. */
  readonly left: readonly string[];
}

/** Why a check did not pass. */
export class Ailment extends Error {
  override readonly name = 'Ailment';
  readonly advice: string;
  /** The verdict that it leads to when the check is one that must pass. */
  readonly verdict: Verdict;

  constructor(detail: string, advice: string, verdict: Verdict = 'unfit') {
    super(detail);
    this.advice = advice;
    this.verdict = verdict;
  }
}

/** The verdict over all checks, the worst first. */
export function verdictOf(results: readonly CheckResult[], ailments: readonly Verdict[]): Verdict {
  for (const worst of ['untrusted', 'denied', 'unfit'] as const) if (ailments.includes(worst)) return worst;
  return results.some(({ status }) => status === 'warning') ? 'limited' : 'fit';
}
