/** Milliseconds after which a start that nothing was heard of any more counts as over. */
const longestStart = 60_000;

interface Start {
  readonly name: string;
  readonly xml: string;
  readonly at: number;
}

/**
 * The domains between the hook's `prepare` and `started`: in that time libvirt looks up the secrets that they name. libvirt
 * gives a secret to every domain that names its UUID, so no other one may be starting with it.
 */
export class Starting {
  readonly #starts = new Map<string, Start>();
  readonly #now: () => number;

  /** @param now milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  enter(uuid: string, start: Omit<Start, 'at'>): void {
    for (const [old, { at }] of this.#starts) if (at + longestStart < this.#now()) this.#starts.delete(old);
    this.#starts.set(uuid, { ...start, at: this.#now() });
  }

  leave(uuid: string): void {
    this.#starts.delete(uuid);
  }

  /** Name of another domain that is starting and names one of the secrets, by whatever device. */
  otherNaming(uuid: string, secrets: readonly string[]): string | undefined {
    const others = [...this.#starts].filter(([other, { at }]) => other !== uuid && at + longestStart >= this.#now());
    return others.find(([, { xml }]) => namesOne(xml, secrets) !== undefined)?.[1].name;
  }
}

/** The first of the secrets that a domain XML names; libvirt writes UUIDs in one spelling for its hook. */
export const namesOne = (xml: string, secrets: readonly string[]): string | undefined =>
  secrets.find((secret) => xml.toLowerCase().includes(secret.toLowerCase()));
