import type { Kek } from '@vouchsafe/domain/keys/provider';
import type { KeyReference } from '@vouchsafe/domain/keys/reference';

/** Seconds that a KEK stays in memory. */
const lifetime = 24 * 3600;
const maxKeys = 10_000;

interface Cached {
  readonly kek: Kek;
  readonly until: number;
}

/**
 * KEKs in memory: so that VMs can start while the Trust Authority is down, within the grace that the administrator
 * gives, and only after a positive verdict.
 */
export class KekCache {
  readonly #keys = new Map<string, Cached>();
  readonly #now: () => number;
  readonly #ageOfTrust: () => number | undefined;
  readonly #grace: () => number;

  /** @param ageOfTrust seconds since the last verdict when it was positive */
  constructor(now: () => number, ageOfTrust: () => number | undefined, grace: () => number) {
    this.#now = now;
    this.#ageOfTrust = ageOfTrust;
    this.#grace = grace;
  }

  put(kek: Kek): Kek {
    const name = nameOf(kek.reference);
    // Taken out first, so that the map stays in the order in which its keys expire.
    this.#keys.delete(name);
    this.#expire();
    this.#keys.set(name, { kek, until: this.#now() + lifetime });
    return kek;
  }

  /** The key, when it may be used although no service answers. */
  duringOutage(reference: KeyReference): Kek | undefined {
    this.#expire();
    const age = this.#ageOfTrust();
    return age !== undefined && age < this.#grace() ? this.#keys.get(nameOf(reference))?.kek : undefined;
  }

  clear(): void {
    this.#keys.clear();
  }

  #expire(): void {
    for (const [name, { until }] of this.#keys) {
      if (until > this.#now() && this.#keys.size < maxKeys) break;
      this.#keys.delete(name);
    }
  }
}

const nameOf = (reference: KeyReference): string =>
  `${reference.kind}/${reference.prv}/${reference.kind === 'standard' ? reference.id : reference.ct}`;
