import { KmipError } from '../error.ts';
import type { Operation, OperationName } from '../operations/operation.ts';
import { Endpoint, newTrail, type Trail } from './endpoint.ts';
import { consequenceOf, isRepeatable } from './fail-over.ts';
import { type CallOptions, defaults, type KmipClientOptions, type KmipServer } from './options.ts';

/** How one operation is sent, besides what it says. */
export interface How<Response> {
  /** Milliseconds since 1970; all servers and recoveries included. */
  readonly deadline?: number;
  /** The object it is about: the server that made it is asked first. */
  readonly id?: string;
  /** Only this server. */
  readonly at?: Endpoint;
  /** Ask this server last. */
  readonly avoid?: Endpoint;
  /** The caller looks for a lost answer itself. */
  readonly recoverable?: boolean;
  readonly trail?: Trail;
  /**
   * For a refusal after a lost answer: what the answer was, if what was asked for is the case already.
   * @param at the server that refused
   */
  readonly confirm?: (refusal: KmipError, at: Endpoint) => Promise<Response | undefined>;
}

/** Identifiers whose creating server is remembered. */
const remembered = 10_000;

/** The servers that hold the same keys. */
export class Cluster {
  readonly options: KmipClientOptions;
  readonly endpoints: readonly Endpoint[];
  readonly #origins = new Map<string, Endpoint>();
  #turn = 0;
  #closed = false;

  constructor(options: KmipClientOptions) {
    this.options = options;
    this.endpoints = options.servers.map((server) => new Endpoint(server, options));
  }

  deadline({ timeout = this.options.timeout ?? defaults.timeout }: CallOptions = {}): number {
    return Date.now() + timeout;
  }

  /** When a try that begins now must have ended. */
  tryUntil(deadline: number): number {
    return Math.min(deadline, Date.now() + (this.options.tryTimeout ?? defaults.tryTimeout));
  }

  /** Remembers that a server made an object: the others may not have it yet. */
  made(id: string, at: Endpoint | undefined): void {
    if (at === undefined || this.endpoints.length === 1) return;
    this.#origins.delete(id);
    this.#origins.set(id, at);
    const [oldest] = this.#origins.keys();
    if (this.#origins.size > remembered && oldest !== undefined) this.#origins.delete(oldest);
  }

  /** The server that made an object, if this client saw it. */
  originOf(id: string): Endpoint | undefined {
    return this.#origins.get(id);
  }

  /** Asks each server for itself, all at once; one that is left alone must prove itself first. */
  everywhere<T>(f: (endpoint: Endpoint) => Promise<T>): Promise<(readonly [Endpoint, T | KmipError])[]> {
    return Promise.all(
      this.endpoints.map(async (endpoint) => {
        try {
          return [endpoint, await f(endpoint)] as const;
        } catch (error) {
          if (!(error instanceof KmipError) || error.code === 'client.closed') throw error;
          return [endpoint, error] as const;
        }
      }),
    );
  }

  /**
   * Carries out an operation at the first server that can, by the rules of `fail-over.ts`.
   * @throws {KmipError}
   */
  async send<Request, Response>(
    operation: Operation<Request, Response>,
    request: Request,
    how: How<Response> = {},
  ): Promise<Response> {
    if (this.#closed) throw new KmipError('client.closed', 'the client was closed');
    const deadline = how.deadline ?? this.deadline();
    const trail = how.trail ?? newTrail();
    const failures = new Map<Endpoint, KmipError>();
    const absent = new Map<Endpoint, KmipError>();
    for (const endpoint of how.at === undefined ? this.#order(how) : [how.at]) {
      if (Date.now() >= deadline) break;
      try {
        const answer = await this.#at(endpoint, operation, request, deadline, trail, how.recoverable);
        this.#lagging(absent, how.id);
        return answer;
      } catch (error) {
        if (!(error instanceof KmipError) || error.code === 'client.closed') throw error;
        const consequence = consequenceOf(error);
        if (consequence !== 'next' && trail.lostAt !== undefined) {
          const confirmed = await how.confirm?.(error, endpoint);
          if (confirmed !== undefined) return confirmed;
        }
        if (consequence === 'final') throw error;
        if (!isRepeatable(operation.name) && trail.lostAt === endpoint) throw unknownOutcome(operation, error);
        (consequence === 'absent' ? absent : failures).set(endpoint, error);
      }
    }
    throw this.#summary(operation.name, how.id, failures, absent);
  }

  close(): void {
    this.#closed = true;
    for (const endpoint of this.endpoints) endpoint.close();
  }

  /** A server that was left alone proves itself before it gets the operation, which it might keep waiting. */
  async #at<Request, Response>(
    endpoint: Endpoint,
    operation: Operation<Request, Response>,
    request: Request,
    deadline: number,
    trail: Trail,
    recoverable?: boolean,
  ): Promise<Response> {
    if (endpoint.breaker.state !== 'closed') await within(endpoint.probe(), deadline, endpoint);
    return endpoint.ask(operation, request, this.tryUntil(deadline), trail, recoverable);
  }

  /** Healthy servers by priority, then the others: they are asked when no healthy one is left. */
  #order({ id, avoid }: Pick<How<never>, 'id' | 'avoid'>): Endpoint[] {
    const rank = (endpoint: Endpoint) => endpoint.server.priority ?? this.endpoints.indexOf(endpoint);
    const ranked = this.endpoints.toSorted((a, b) => rank(a) - rank(b));
    const best = ranked.filter((each) => rank(each) === rank(ranked[0]!));
    const turn = this.#turn++ % best.length;
    const sorted = [...best.slice(turn), ...best.slice(0, turn), ...ranked.slice(best.length)];
    const origin = id === undefined ? undefined : this.#origins.get(id);
    const first = origin === undefined ? sorted : [origin, ...sorted.filter((each) => each !== origin)];
    const well = first.filter((each) => each.breaker.state === 'closed' && each !== avoid);
    const rest = first.filter((each) => !well.includes(each));
    if (well.length > 0) for (const each of rest) if (each.breaker.state === 'half-open') each.probe().catch(() => {});
    return [...well, ...rest];
  }

  #lagging(absent: ReadonlyMap<Endpoint, KmipError>, id: string | undefined): void {
    if (id === undefined) return;
    for (const { name } of absent.keys()) this.options.onEvent?.({ event: 'replication.lag', server: name, id });
  }

  /** What is said when no server could do it. A missing object is missing only when all servers say so. */
  #summary(
    operation: OperationName,
    id: string | undefined,
    failures: ReadonlyMap<Endpoint, KmipError>,
    absent: ReadonlyMap<Endpoint, KmipError>,
  ): KmipError {
    const [missing] = absent.values();
    if (missing === undefined) return noneCould(operation, [...failures.values()]);
    const silent = [...failures.keys()];
    if (silent.length === 0) return missing;
    const origin = id === undefined ? undefined : this.#origins.get(id);
    const cause = [...failures.values()];
    const asked = `${operation}: not on ${names(absent.keys())}`;
    if (origin !== undefined && failures.has(origin))
      return new KmipError(
        'replication.lag',
        `${asked} yet: it was made on ${origin.name}, which does not answer; wait, and do not make another one`,
        { cause, ...(id === undefined ? {} : { id }) },
      );
    return new KmipError('server.unreachable', `${asked}; ${names(silent)}, which may have it, cannot be asked`, {
      cause,
    });
  }
}

const names = (endpoints: Iterable<{ readonly server: KmipServer; readonly name: string }>) =>
  [...endpoints].map(({ name }) => name).join(', ');

const unknownOutcome = ({ name }: { readonly name: OperationName }, cause: KmipError) =>
  new KmipError(
    'outcome.unknown',
    `${name}: its answer was lost; look for the object before it is sent again (${cause.message})`,
    { cause },
  );

function noneCould(operation: OperationName, failures: readonly KmipError[]): KmipError {
  const [only] = failures;
  if (only !== undefined && failures.length === 1) return only;
  const all = failures.map(({ message }) => message).join('; ');
  return new KmipError(
    only?.code ?? 'server.timeout',
    `${operation}: no server could do it: ${all || 'no time left'}`,
    {
      cause: failures,
    },
  );
}

async function within<T>(promise: Promise<T>, deadline: number, { name }: Endpoint): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const fail = () => reject(new KmipError('server.timeout', `${name}: no answer in time`));
  const timer = setTimeout(fail, Math.max(0, deadline - Date.now()));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
