import { Problem } from '@vouchsafe/domain/problem';
import type { Logger } from 'pino';
import type { Attestation } from './attester.ts';
import { retryAfterOf } from './retry-after.ts';
import { renewBefore } from './trust-session.ts';

/** Seconds until the next attestation where the service does not say. */
const defaultNext = 300;
/** Seconds after the first failure, and at most after many. */
const [firstWait, longestWait] = [5, 300];
/** Within so many seconds after its start an agent attests, so that a site that comes back does not do so at once. */
export const spreadAtStart = 5;

/** How an attestation ended. */
export type Outcome =
  | {
      readonly kind: 'attested';
      readonly next: number | undefined /** Seconds that the token lives. */;
      readonly left: number;
    }
  | { readonly kind: 'refused'; readonly next: number | undefined }
  /** No service answered, or the TPM did not. */
  | { readonly kind: 'failed' /** In a row, this one included. */; readonly times: number }
  | { readonly kind: 'busy' /** As Retry-After says. */; readonly retryAfter: number };

/**
 * Seconds until the next attestation. The service decides how often a host comes; a token is renewed before it ends; who
 * finds nobody waits twice as long each time, and never as long as all others that found nobody.
 * @param random 0 to 1
 */
export function waitAfter(outcome: Outcome, random: number): number {
  switch (outcome.kind) {
    case 'attested':
      return Math.max(1, Math.min(outcome.next ?? defaultNext, outcome.left - renewBefore));
    case 'refused':
      return outcome.next ?? defaultNext;
    case 'busy':
      return Math.min(longestWait, Math.max(1, outcome.retryAfter)) + random;
    case 'failed': {
      const longest = Math.min(longestWait, firstWait * 2 ** Math.min(16, outcome.times - 1));
      return longest * (0.5 + random / 2);
    }
  }
}

export interface ScheduleInput {
  readonly attest: () => Promise<Attestation>;
  /** Whether there is anybody to ask. */
  readonly services: () => number;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Waits so many seconds, or until the signal fires. */
  readonly wait: (seconds: number, signal: AbortSignal) => Promise<void>;
  readonly random?: () => number;
}

/** Attests a host by itself, for as long as the agent runs. */
export class AttestationSchedule {
  readonly #input: ScheduleInput;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #failures = 0;

  constructor(input: ScheduleInput) {
    this.#input = input;
    this.#running = this.#run();
  }

  /** Ends it; an attestation that is under way is not waited for. */
  stop(): void {
    this.#stop.abort();
  }

  /** Resolves when nothing more comes. */
  async stopped(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { wait, services, random = Math.random } = this.#input;
    const { signal } = this.#stop;
    await wait(random() * spreadAtStart, signal);
    while (!signal.aborted) {
      const seconds = services() === 0 ? firstWait * 2 : waitAfter(await this.#once(), random());
      await wait(seconds, signal);
    }
  }

  async #once(): Promise<Outcome> {
    const { attest, now, log } = this.#input;
    try {
      const { session, next } = await attest();
      this.#failures = 0;
      if (session !== undefined) return { kind: 'attested', next, left: session.expires - now() };
      log.warn('this host is refused; `vouchsafe host attest` shows why');
      return { kind: 'refused', next };
    } catch (error) {
      const retryAfter = retryAfterOf(error);
      if (retryAfter !== undefined) return { kind: 'busy', retryAfter };
      this.#failures++;
      log.warn(
        { problem: error instanceof Problem ? error.kind : 'internal', detail: (error as Error).message },
        'not attested',
      );
      return { kind: 'failed', times: this.#failures };
    }
  }
}
