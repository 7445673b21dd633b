/**
 * Lets slow work happen a few at a time. Where there is more, each of those who want some gets a turn after the other, so
 * that who wants much waits longer than who wants little.
 */
export class Turns {
  readonly #most: number;
  #running = 0;
  /** By who waits; who is next stands first. */
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Does the work when it is its turn. */
  async take<T>(whose: string, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#most) this.#running++;
    else await this.#wait(whose);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #wait(whose: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const queue = this.#waiting.get(whose);
    if (queue === undefined) this.#waiting.set(whose, [resolve]);
    else queue.push(resolve);
    return promise;
  }

  /** Hands the turn on. */
  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#running--;
      return;
    }
    const [whose, [go, ...others]] = first;
    this.#waiting.delete(whose);
    if (others.length > 0) this.#waiting.set(whose, others);
    go!();
  }
}
