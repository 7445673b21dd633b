import { randomUUID } from 'node:crypto';
import { type Attribute, attributeValue, customAttribute, nameAttribute } from '../attribute.ts';
import { KmipError } from '../error.ts';
import { destroy } from '../operations/destroy.ts';
import { getAttributes } from '../operations/get-attributes.ts';
import { locate } from '../operations/locate.ts';
import type { Operation } from '../operations/operation.ts';
import type { Cluster } from './cluster.ts';
import { type Endpoint, newTrail } from './endpoint.ts';
import { hasAttribute } from './operations/confirm.ts';
import type { KmipClientOptions } from './options.ts';

/** A request that makes a new object each time it is carried out. */
export interface Making<Request, Response extends { readonly id: string }> {
  readonly operation: Operation<Request, Response>;
  /** The request with one more attribute. */
  request(marker: readonly Attribute[]): Request;
  /** Whether the object gets a Name from the caller: some servers keep only one. */
  readonly named: boolean;
  /** Refuses an answer that does not fit what was asked. */
  check(answer: Response): void;
}

type MarkerKind = 'Name' | `x-${string}`;

/** A request that may still be carried out, or was: what it left behind is looked for when the server is back. */
interface Pending {
  readonly marker: Attribute;
  /** The object in use; without one, whatever is found is only reported. */
  readonly keep: string | undefined;
  readonly at: Endpoint;
  readonly since: number;
}

const longestList = 1000;
/** Objects of one marker that are looked at; an honest server has one or two. */
const mostCopies = 16;
const rounds = 3;

/** Reasons with which servers refuse attributes that they do not know. */
const unknownAttribute = new Set<string | undefined>(['Invalid Field', 'Invalid Message', 'Feature Not Supported']);

/**
 * Makes objects so that a lost answer leaves no doubt: each request carries a marker of its own, by which the object is
 * found again on any server (KMIP has no request identifiers).
 */
export class Once {
  readonly #cluster: Cluster;
  readonly #pending: Pending[] = [];
  #customRefused = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** @returns the id of the one object that was made @throws {KmipError} `outcome.unknown` when no server can tell */
  async make<Request, Response extends { readonly id: string }>(
    making: Making<Request, Response>,
    deadline: number,
  ): Promise<string> {
    if (this.#pending.length > 0) this.settle().catch(() => {});
    const kinds = this.#kinds(this.#cluster.options.marker, making.named);
    if (kinds.length === 0) return this.#send(making, [], deadline);
    for (const kind of kinds.slice(0, -1)) {
      try {
        return await this.#marked(making, marker(kind, making.named), deadline);
      } catch (error) {
        if (!(error instanceof KmipError && error.code === 'operation.failed' && unknownAttribute.has(error.reason)))
          throw error;
      }
    }
    const id = await this.#marked(making, marker(kinds.at(-1)!, making.named), deadline);
    this.#customRefused = kinds.length > 1;
    return id;
  }

  /** Looks for what lost requests left behind at servers that answer by now. */
  async settle(): Promise<void> {
    for (const each of this.#pending.splice(0)) if (!(await this.#settled(each))) this.#remember(each);
  }

  #kinds(chosen: KmipClientOptions['marker'], named: boolean): MarkerKind[] {
    if (chosen === false) return [];
    if (chosen !== undefined) return [chosen];
    return named && !this.#customRefused ? ['x-Request-Id', 'Name'] : ['Name'];
  }

  async #send<Request, Response extends { readonly id: string }>(
    making: Making<Request, Response>,
    with_: readonly Attribute[],
    deadline: number,
    avoid?: Endpoint,
  ): Promise<string> {
    const trail = newTrail();
    const how = { deadline, trail, recoverable: with_.length > 0, ...(avoid === undefined ? {} : { avoid }) };
    try {
      const answer = await this.#cluster.send(making.operation, making.request(with_), how);
      making.check(answer);
      this.#cluster.made(answer.id, trail.answeredBy);
      return answer.id;
    } catch (error) {
      if (trail.lostAt !== undefined) throw new Lost(trail.lostAt, error);
      throw error;
    }
  }

  async #marked<Request, Response extends { readonly id: string }>(
    making: Making<Request, Response>,
    mark: Attribute,
    deadline: number,
  ): Promise<string> {
    const lost: Lost[] = [];
    for (;;) {
      try {
        const id = await this.#send(making, [mark], deadline, lost.at(-1)?.at);
        for (const { at } of lost) this.#remember({ marker: mark, keep: id, at, since: Date.now() });
        return id;
      } catch (error) {
        if (error instanceof Lost) lost.push(error);
        // The lost request was carried out late, and a server that keeps Names apart refuses the second one.
        else if (lost.length === 0 || !(error instanceof KmipError && error.code === 'operation.failed')) throw error;
        else {
          const late = await this.#adopt(mark, deadline, lost);
          if (late !== undefined) return late;
          throw error;
        }
      }
      const adopted = await this.#adopt(mark, deadline, lost);
      if (adopted !== undefined) return adopted;
      if (lost.length < rounds && Date.now() < deadline) continue;
      for (const { at } of lost) this.#remember({ marker: mark, keep: undefined, at, since: Date.now() });
      throw unknown(making.operation, mark, lost.at(-1)!);
    }
  }

  /** One of the objects that the lost requests made; the others go. */
  async #adopt(mark: Attribute, deadline: number, lost: readonly Lost[]): Promise<string | undefined> {
    const until = this.#cluster.tryUntil(deadline);
    const answers = await this.#cluster.everywhere((endpoint) => this.#marks(endpoint, mark, until));
    const found = answers.flatMap(([, copies]) => (copies instanceof KmipError ? [] : copies));
    const keep = found.map(({ id }) => id).sort()[0];
    if (keep === undefined) return undefined;
    for (const each of found) {
      if (each.id === keep) this.#cluster.made(keep, each.at);
      else await this.#dispose(each);
    }
    const silent = answers.filter(([, copies]) => copies instanceof KmipError).map(([endpoint]) => endpoint);
    for (const { at } of lost) if (silent.includes(at)) this.#remember({ marker: mark, keep, at, since: Date.now() });
    return keep;
  }

  /** The objects at one server that really carry the marker: servers exist that ignore what they cannot look for. */
  async #marks(at: Endpoint, mark: Attribute, deadline: number): Promise<Copy[]> {
    const wanted = { attributes: [mark], maximumItems: mostCopies };
    const { ids } = await this.#cluster.send(locate, wanted, { at, deadline });
    const copies: Copy[] = [];
    for (const id of ids.slice(0, mostCopies)) {
      const names = [mark.name, 'State'];
      const answer = await this.#cluster.send(getAttributes, { id, names }, { at, deadline });
      if (answer.id === id && hasAttribute(answer.attributes, mark))
        copies.push({ id, at, state: attributeValue(answer.attributes, 'State') });
    }
    return copies;
  }

  async #dispose({ id, at, state }: Copy, mayDestroy = true): Promise<void> {
    const { leftovers = 'destroy', onEvent } = this.#cluster.options;
    let destroyed = false;
    if (mayDestroy && leftovers === 'destroy' && state === 'Pre-Active')
      try {
        destroyed = (await this.#cluster.send(destroy, { id }, { at })).id === id;
      } catch (error) {
        if (!(error instanceof KmipError)) throw error;
      }
    onEvent?.({ event: 'leftover', server: at.name, id, destroyed });
  }

  /** A request that timed out may be carried out late: a server is believed once the client's patience has passed. */
  async #settled({ marker: mark, keep, at, since }: Pending): Promise<boolean> {
    if (at.breaker.state === 'open') return false;
    const late = Date.now() - since >= this.#cluster.deadline() - Date.now();
    try {
      const copies = await this.#marks(at, mark, this.#cluster.tryUntil(this.#cluster.deadline()));
      for (const each of copies) if (each.id !== keep) await this.#dispose(each, keep !== undefined);
      return late || copies.length > 0;
    } catch (error) {
      if (error instanceof KmipError) return false;
      throw error;
    }
  }

  #remember(pending: Pending): void {
    if (this.#pending.length < longestList) this.#pending.push(pending);
  }
}

interface Copy {
  readonly id: string;
  readonly at: Endpoint;
  readonly state: string | undefined;
}

/** The request may have been carried out at this server. */
class Lost extends KmipError {
  readonly at: Endpoint;

  constructor(at: Endpoint, cause: unknown) {
    super('outcome.unknown', cause instanceof Error ? cause.message : String(cause), { cause });
    this.at = at;
  }
}

/** A second Name says that it is one: PyKMIP insists on the index. */
function marker(kind: MarkerKind, named: boolean): Attribute {
  if (kind !== 'Name') return customAttribute(kind, randomUUID());
  return { ...nameAttribute(`request-${randomUUID()}`), ...(named ? { index: 1 } : {}) };
}

const unknown = ({ name }: { readonly name: string }, mark: Attribute, { message, cause }: Lost): KmipError =>
  new KmipError('outcome.unknown', `${message}; ${name} carried ${mark.name} ${text(mark)}`, { cause });

const text = ({ value }: Attribute): string =>
  typeof value === 'object' && value !== null && 'value' in value ? String(value.value) : String(value);
