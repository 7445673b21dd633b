import type { MemberEntry } from '@vouchsafe/domain/group/member';
import type { Known } from './group-register.ts';

/** What is known of another member, since this host was started. */
export interface Peer {
  /** On a clock that never goes back, in milliseconds; undefined before it was ever heard of. */
  heard: number | undefined;
  /** Why it was not heard of when it was asked last. */
  problem: string | undefined;
  /** The version of our state that it obeys. */
  obeys: number;
}

/** What this host knows of the other members, by their ids. */
export class Peers {
  readonly #peers = new Map<string, Peer>();
  readonly #waiting = new Set<() => void>();
  readonly #clock: () => number;
  readonly started: number;

  constructor(clock = () => performance.now()) {
    this.#clock = clock;
    this.started = clock();
  }

  of(id: string): Peer {
    const known = this.#peers.get(id) ?? { heard: undefined, problem: undefined, obeys: 0 };
    this.#peers.set(id, known);
    return known;
  }

  /** It answered. */
  heard(id: string): void {
    Object.assign(this.of(id), { heard: this.#clock(), problem: undefined });
  }

  failed(id: string, problem: string): void {
    this.of(id).problem = problem;
  }

  /** It asks for what comes after a version, and says which one all its parts obey. */
  obeys(id: string, { version }: Known): void {
    this.of(id).obeys = version;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Seconds since it was heard of; since the start of this host when it never was. */
  silence(id: string): number {
    return (this.#clock() - (this.of(id).heard ?? this.started)) / 1000;
  }

  /** Whether it was heard of within some seconds. */
  isHeard(id: string, seconds: number): boolean {
    const { heard } = this.of(id);
    return heard !== undefined && (this.#clock() - heard) / 1000 <= seconds;
  }

  /** Waits until all of them obey a version; gives those that do not after `ms` milliseconds. */
  async obeying(members: readonly MemberEntry[], version: number, ms: number): Promise<MemberEntry[]> {
    const behind = () => members.filter(({ id }) => this.of(id).obeys < version);
    const end = performance.now() + ms;
    while (behind().length > 0 && performance.now() < end) await this.#next(end - performance.now());
    return behind();
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, ms));
      this.#waiting.add(done);
    });
  }
}
