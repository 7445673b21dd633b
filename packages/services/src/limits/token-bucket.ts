/** So many at once, and so many more each second. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /** @param now milliseconds of any clock that only goes forward */
  constructor(of: { readonly perSecond: number; readonly most: number }, now = () => performance.now()) {
    [this.#perSecond, this.#most, this.#now] = [of.perSecond, of.most, now];
    [this.#left, this.#at] = [of.most, now()];
  }

  /** @returns seconds until there are `n` of them; 0 when they were taken */
  take(n = 1): number {
    const now = this.#now();
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) * this.#perSecond) / 1000);
    this.#at = now;
    if (this.#left < n) return (n - this.#left) / this.#perSecond;
    this.#left -= n;
    return 0;
  }
}
