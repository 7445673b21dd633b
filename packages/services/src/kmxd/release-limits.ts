import type { ReleaseOperation } from '@vouchsafe/domain/keys/release';
import Type from 'typebox';
import { DistinctCount } from '../limits/distinct-count.ts';
import { TokenBucket } from '../limits/token-bucket.ts';

/** What one host may ask for. The defaults are far above what an honest host of a thousand VMs asks for. */
export const ReleaseLimits = Type.Object(
  {
    /** Keys of one operation that a host may ask for at once, and each second from then on. */
    keys_at_once: Type.Integer({ minimum: 100, maximum: 1_000_000 }),
    keys_per_second: Type.Integer({ minimum: 1, maximum: 100_000 }),
    /** A host that asks for more different keys than this within `window` seconds raises an event. */
    different_keys: Type.Integer({ minimum: 10, maximum: 50_000 }),
    window: Type.Integer({ minimum: 10, maximum: 86_400 }),
    /** What else happens to it until the window is over. */
    on_excess: Type.Union([Type.Literal('record'), Type.Literal('slow'), Type.Literal('refuse')]),
    /** With `slow`. */
    slow_keys_per_second: Type.Integer({ minimum: 1, maximum: 100_000 }),
  },
  { additionalProperties: false },
);
export type ReleaseLimits = Type.Static<typeof ReleaseLimits>;

export const defaultLimits: ReleaseLimits = {
  keys_at_once: 10_000,
  keys_per_second: 100,
  different_keys: 5000,
  window: 600,
  on_excess: 'slow',
  slow_keys_per_second: 10,
};

/** Hosts that are remembered; the one that asked longest ago is forgotten first. */
const mostHosts = 20_000;

interface HostAsking {
  readonly buckets: Map<string, TokenBucket>;
  readonly slow: TokenBucket;
  /** Milliseconds. */
  readonly since: number;
  readonly different: DistinctCount;
  conspicuous: boolean;
}

/** What a host may do with its request. */
export interface Admission {
  /** The host has become conspicuous with this request: about so many different keys. */
  readonly anomaly: number | undefined;
  /** Seconds after which there is room for the request; 0 when there is now. */
  readonly wait: number;
  /** Nothing is released to it. */
  readonly refused: boolean;
}

/** How much each host asks for, and whether it may go on. */
export class HostLimits {
  readonly #limits: () => ReleaseLimits;
  readonly #clock: () => number;
  readonly #hosts = new Map<string, HostAsking>();

  /** @param clock milliseconds of any clock that only goes forward */
  constructor(limits: () => ReleaseLimits, clock = () => performance.now()) {
    [this.#limits, this.#clock] = [limits, clock];
  }

  /** Settings have changed: everybody begins anew. */
  reset(): void {
    this.#hosts.clear();
  }

  /**
   * Takes note of a request.
   * @param ciphertexts of the keys that it wants opened or wrapped anew
   */
  admit(sub: string, op: ReleaseOperation, keys: number, ciphertexts: readonly string[]): Admission {
    const limits = this.#limits();
    const host = this.#host(sub, limits);
    for (const ct of ciphertexts) host.different.add(ct);
    const { count } = host.different;
    const anomaly = !host.conspicuous && count > limits.different_keys ? count : undefined;
    host.conspicuous ||= anomaly !== undefined;
    const slowed = host.conspicuous && limits.on_excess === 'slow';
    const bucket = slowed ? host.slow : bucketOf(host, op, limits, this.#clock);
    return { anomaly, wait: bucket.take(keys), refused: host.conspicuous && limits.on_excess === 'refuse' };
  }

  /**
   * For what costs more than a key: it is counted by itself, as so many keys.
   * @returns seconds after which there is room; 0 when there is now
   */
  other(sub: string, what: string, keys: number): number {
    const limits = this.#limits();
    return bucketOf(this.#host(sub, limits), what, limits, this.#clock).take(keys);
  }

  #host(sub: string, limits: ReleaseLimits): HostAsking {
    const now = this.#clock();
    const known = this.#hosts.get(sub);
    const young = known !== undefined && now - known.since < limits.window * 1000;
    const host = young ? known : { ...newHost(limits, now, this.#clock), ...(known && { buckets: known.buckets }) };
    // The order of a Map is that of insertion: who asked last stands last.
    this.#hosts.delete(sub);
    this.#hosts.set(sub, host);
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size > mostHosts && oldest !== undefined) this.#hosts.delete(oldest);
    return host;
  }
}

const newHost = (limits: ReleaseLimits, since: number, clock: () => number): HostAsking => ({
  buckets: new Map(),
  slow: new TokenBucket(
    { perSecond: limits.slow_keys_per_second, most: Math.max(100, limits.slow_keys_per_second) },
    clock,
  ),
  since,
  different: new DistinctCount(limits.different_keys),
  conspicuous: false,
});

function bucketOf(host: HostAsking, op: string, limits: ReleaseLimits, clock: () => number): TokenBucket {
  const { keys_at_once: most, keys_per_second: perSecond } = limits;
  const bucket = host.buckets.get(op) ?? new TokenBucket({ perSecond, most }, clock);
  host.buckets.set(op, bucket);
  return bucket;
}
