import type { X509Certificate } from 'node:crypto';
import type { GroupChange, GroupState } from './group-state.ts';

/** What a join brought that was not known yet. */
export interface Joined {
  readonly counters: boolean;
  /** Subjects whose denial or lifting changed. */
  readonly subjects: readonly string[];
}

/**
 * The state of a group as one process knows it, and what it says about tokens. It only grows: `join` takes the larger
 * value of everything, which is commutative, associative and idempotent.
 */
export class GroupStanding {
  #epoch = 0;
  #minEpoch = 0;
  readonly #deny = new Map<string, number>();
  readonly #lifted = new Map<string, number>();
  readonly #removed = new Set<string>();

  get epoch(): number {
    return this.#epoch;
  }

  get minEpoch(): number {
    return this.#minEpoch;
  }

  /** How many subjects were ever denied, or lifted. */
  get subjects(): number {
    let alone = 0;
    for (const sub of this.#lifted.keys()) if (!this.#deny.has(sub)) alone++;
    return this.#deny.size + alone;
  }

  /** Whether anything was ever said of a subject. */
  knows(sub: string): boolean {
    return this.#deny.has(sub) || this.#lifted.has(sub);
  }

  join({ epoch = 0, min_epoch = 0, deny = {}, lifted = {} }: GroupChange): Joined {
    const counters = epoch > this.#epoch || min_epoch > this.#minEpoch;
    this.#minEpoch = Math.max(this.#minEpoch, min_epoch);
    // A token of now must not be refused for its epoch.
    this.#epoch = Math.max(this.#epoch, epoch, this.#minEpoch);
    const subjects = [...raise(this.#deny, deny), ...raise(this.#lifted, lifted)];
    return { counters, subjects: [...new Set(subjects)] };
  }

  /** Takes in names of Trust Authority hosts that were removed from the group. @returns whether one was new */
  remove(names: readonly string[]): boolean {
    const before = this.#removed.size;
    for (const name of names) this.#removed.add(name);
    return this.#removed.size > before;
  }

  get removed(): string[] {
    return [...this.#removed].toSorted();
  }

  /** Whether a subject is denied now. */
  isDenied(sub: string): boolean {
    return (this.#deny.get(sub) ?? -1) > (this.#lifted.get(sub) ?? -1);
  }

  /** The subjects that are denied now. */
  denied(): { readonly sub: string; readonly since: number }[] {
    return [...this.#deny].filter(([sub]) => this.isDenied(sub)).map(([sub, since]) => ({ sub, since }));
  }

  /** Why a token that was made at `iat` (seconds since 1970) does not count for its subject; undefined when it does. */
  whyDenied(sub: string, iat: number): string | undefined {
    const since = this.#deny.get(sub);
    if (since === undefined) return undefined;
    if (this.isDenied(sub)) return 'its host was denied';
    return iat <= since ? 'its host was denied after it was made: attest again' : undefined;
  }

  /**
   * The date of a token that is made now: after a denial that was lifted, also within the second of it, and where our
   * clock is a little behind that of the member that denied. Otherwise an approved host would be refused for a while.
   *
   * @param leeway seconds that clocks of members may differ
   */
  dateFor(sub: string, now: number, leeway: number): number {
    const since = this.#deny.get(sub);
    return since === undefined || since < now || since >= now + leeway ? now : since + 1;
  }

  /** Why a token of this epoch does not count; undefined when it does. */
  whyEpoch(epoch: number): string | undefined {
    if (epoch >= this.#minEpoch) return undefined;
    return `it is of epoch ${epoch}, trust was taken away in epoch ${this.#minEpoch}: attest again`;
  }

  /** Why what a certified key signed does not count; undefined when it does. */
  whySigner(certificate: X509Certificate): string | undefined {
    const name = hostOf(certificate);
    return name !== undefined && this.#removed.has(name) ? `host ${name} was removed from the group` : undefined;
  }

  /** The change that denies a subject, now and against every approval that is known. */
  denial(sub: string, now: number): GroupChange {
    const since = Math.max(now, (this.#lifted.get(sub) ?? -1) + 1);
    return this.isDenied(sub) ? {} : { deny: { [sub]: since } };
  }

  /** The change that lifts the denial that is known; one that comes later, or was not heard of, stays. */
  lifting(sub: string): GroupChange {
    const since = this.#deny.get(sub);
    return since === undefined || !this.isDenied(sub) ? {} : { lifted: { [sub]: since } };
  }

  /** The change after which no token that exists now counts. */
  raising(): GroupChange {
    return { epoch: this.#epoch + 1, min_epoch: this.#epoch + 1 };
  }

  /** The state, of all subjects or of some. */
  state(subjects?: Iterable<string>): GroupState {
    const keys = subjects === undefined ? undefined : [...subjects];
    return {
      epoch: this.#epoch,
      min_epoch: this.#minEpoch,
      deny: picked(this.#deny, keys),
      lifted: picked(this.#lifted, keys),
    };
  }
}

function raise(known: Map<string, number>, said: Readonly<Record<string, number>>): string[] {
  const higher = Object.entries(said).filter(([sub, value]) => value > (known.get(sub) ?? -1));
  for (const [sub, value] of higher) known.set(sub, value);
  return higher.map(([sub]) => sub);
}

function picked(from: ReadonlyMap<string, number>, keys: readonly string[] | undefined): Record<string, number> {
  if (keys === undefined) return Object.fromEntries(from);
  return Object.fromEntries(keys.filter((key) => from.has(key)).map((key) => [key, from.get(key) as number]));
}

const named = /^CN=(?:attestd|kmxd|member)\.([A-Za-z0-9][A-Za-z0-9.-]{0,252})$/;

/** The Trust Authority host that a certificate of the group CA was made for; undefined when it names none. */
export const hostOf = ({ subject }: X509Certificate): string | undefined => named.exec(subject)?.[1];
