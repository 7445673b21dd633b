/** Records a minute for senders who proved nothing. */
const perMinute = 120;

/**
 * How many refusals of senders who proved nothing are recorded. Challenges are free, and every record is synced to the
 * disk: without a limit anybody could fill the disk that the audit file lies on, and without audit nothing is released.
 */
export class UnprovenRefusals {
  #minute = 0;
  #recorded = 0;
  #omitted = 0;

  /**
   * @param now seconds since 1970
   * @returns how many were left out since the last record; `undefined` when this one is left out too
   */
  take(now: number): number | undefined {
    const minute = Math.floor(now / 60);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#recorded = 0;
    }
    if (this.#recorded >= perMinute) {
      this.#omitted++;
      return undefined;
    }
    this.#recorded++;
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }
}
