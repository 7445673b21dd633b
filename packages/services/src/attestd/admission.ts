import { Problem } from '@vouchsafe/domain/problem';
import { FairQueue } from './fair-queue.ts';

/**
 * Who wants in: evidence of a host of the registry, a challenge, evidence of anybody else. A host that has made its TPM
 * answer goes before those that only begin, and strangers go last.
 */
export type Lane = 'report' | 'challenge' | 'stranger';

/** In which order lanes are served; one that is empty is passed over, and none waits for ever. */
const turns: readonly Lane[] = ['report', 'report', 'challenge', 'report', 'report', 'challenge', 'stranger'];

export interface AdmissionLimits {
  /** Requests that are worked on at once; more would only make each of them slower. */
  readonly active: number;
  /** Requests that wait, in each lane. */
  readonly waiting: number;
}

const defaultLimits: AdmissionLimits = { active: 16, waiting: 512 };
/** Requests a second before anything was measured, and the seconds that nobody is sent away beyond. */
const [firstRate, longestWait] = [50, 60];

/**
 * Lets requests in at the pace at which they are done, so that a site that comes back all at once is served one after
 * the other, and nobody is refused. Who finds no room is told when there will be some, each a little later than the one
 * before. Room is shared fairly by sources: a flood from one displaces its own requests.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #lanes: Readonly<Record<Lane, FairQueue<Waiting>>>;
  #active = 0;
  #turn = 0;
  /** Requests a second, as they were done lately while others waited. */
  #rate = firstRate;
  #lastDone: number | undefined;
  /** Until when the time is given away to those who were sent away, in milliseconds. */
  #promised = 0;

  /** @param now milliseconds of any clock that only goes forward */
  constructor(limits = defaultLimits, now = () => performance.now(), random = Math.random) {
    [this.#limits, this.#now, this.#random] = [limits, now, random];
    const lane = () => new FairQueue<Waiting>(limits.waiting);
    this.#lanes = { report: lane(), challenge: lane(), stranger: lane() };
  }

  /** Before the body of a request is read: whether it would find room. @throws {Problem} `server.busy` */
  check(lane: Lane, source: string): void {
    if (!this.#lanes[lane].hasRoomFor(source)) throw this.#busy();
  }

  /**
   * Works on a request when its turn has come.
   * @throws {Problem} `server.busy`, or what `work` throws
   */
  async run<T>(lane: Lane, source: string, work: () => Promise<T> | T): Promise<T> {
    await this.#enter(lane, source);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /** Requests that wait. */
  get waiting(): number {
    return Object.values(this.#lanes).reduce((sum, { size }) => sum + size, 0);
  }

  async #enter(lane: Lane, source: string): Promise<void> {
    if (this.#active < this.#limits.active && this.waiting === 0) {
      this.#active++;
      return;
    }
    await new Promise<void>((enter, refuse) => {
      const displaced = this.#lanes[lane].add(source, { enter, refuse });
      displaced?.refuse(this.#busy());
    });
  }

  #leave(): void {
    this.#measure();
    const next = this.#next();
    if (next === undefined) {
      this.#active--;
      return;
    }
    next.enter();
  }

  #next(): Waiting | undefined {
    for (let i = 0; i < turns.length; i++) {
      const lane = turns[this.#turn++ % turns.length]!;
      const next = this.#lanes[lane].take();
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** How quickly requests are done is seen only while others wait. */
  #measure(): void {
    const now = this.#now();
    if (this.waiting === 0) {
      this.#lastDone = undefined;
      return;
    }
    if (this.#lastDone !== undefined && now > this.#lastDone)
      this.#rate = Math.max(1, 0.98 * this.#rate + 0.02 * Math.min(5000, 1000 / (now - this.#lastDone)));
    this.#lastDone = now;
  }

  /** Whoever is sent away gets a time of its own, behind those who wait and those who were sent away before. */
  #busy(): Problem {
    const now = this.#now();
    const behind = now + (1000 * this.waiting) / this.#rate;
    this.#promised = Math.max(this.#promised, behind) + 1000 / this.#rate;
    const seconds = (this.#promised - now) / 1000;
    if (seconds > longestWait) this.#promised = now + longestWait * 1000;
    const jittered = Math.min(seconds, longestWait) * (0.9 + 0.2 * this.#random());
    const retry_after = Math.max(1, Math.ceil(jittered));
    return new Problem('server.busy', `many hosts attest at once: come back in ${retry_after} s`, {
      data: { retry_after },
    });
  }
}

interface Waiting {
  readonly enter: () => void;
  readonly refuse: (why: Problem) => void;
}
