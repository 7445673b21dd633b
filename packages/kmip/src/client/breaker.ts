import type { BreakerOptions } from './options.ts';

/** `closed`: asked as usual. `open`: left alone. `half-open`: one probe may find out whether it is back. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * When a server is left alone. A pause doubles with each probe that fails; chance shortens it, so that many clients do
 * not come back at once.
 */
export class Breaker {
  readonly #options: Required<BreakerOptions>;
  readonly #now: () => number;
  readonly #random: () => number;
  #failures = 0;
  #until = 0;

  /** @param now milliseconds @param random from 0 to less than 1 */
  constructor(options: Required<BreakerOptions>, now: () => number = Date.now, random: () => number = Math.random) {
    this.#options = options;
    this.#now = now;
    this.#random = random;
  }

  get state(): BreakerState {
    if (this.#failures < this.#options.failures) return 'closed';
    return this.#now() < this.#until ? 'open' : 'half-open';
  }

  /** @returns whether it was open before */
  succeeded(): boolean {
    const was = this.#failures >= this.#options.failures;
    this.#failures = 0;
    return was;
  }

  /** @returns whether it opened with this failure */
  failed(): boolean {
    const { failures, pause, longest } = this.#options;
    // Requests that were under way together and fail together are one failure of an open breaker.
    if (this.state === 'open') return false;
    this.#failures++;
    if (this.#failures < failures) return false;
    const whole = Math.min(longest, pause * 2 ** Math.min(30, this.#failures - failures));
    this.#until = this.#now() + whole * (1 - this.#random() / 2);
    return this.#failures === failures;
  }
}
