import { createHash, randomBytes } from 'node:crypto';

/**
 * About how many different values were seen, in memory that does not grow: linear counting (Whang, Vander-Zanden and
 * Taylor, "A linear-time probabilistic counting algorithm", 1990). The places are keyed, so nobody outside can choose
 * values that fall together.
 */
export class DistinctCount {
  static readonly #key = randomBytes(16);
  readonly #bits: Uint8Array;
  #empty: number;

  /** @param most how many are to be told apart well; an eighth of it is the memory in bytes */
  constructor(most: number) {
    this.#bits = new Uint8Array(Math.ceil(most / 8));
    this.#empty = this.#bits.length * 8;
  }

  add(value: string): void {
    const digest = createHash('sha256').update(DistinctCount.#key).update(value).digest();
    const place = Number(digest.readBigUInt64BE() % BigInt(this.#bits.length * 8));
    const [at, bit] = [place >> 3, 1 << (place & 7)];
    if (((this.#bits[at] as number) & bit) !== 0) return;
    this.#bits[at] = (this.#bits[at] as number) | bit;
    this.#empty--;
  }

  /** At most `most * ln(most)`: then all places are taken. */
  get count(): number {
    const places = this.#bits.length * 8;
    return Math.round(places * Math.log(places / Math.max(1, this.#empty)));
  }
}
