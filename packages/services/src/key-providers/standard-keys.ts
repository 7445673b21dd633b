import type { Secret } from '@vouchsafe/bytes/secret';
import type { EventSink } from '@vouchsafe/domain/keys/provider-events';
import {
  type KeyMaker,
  type KeyUser,
  makerLabels,
  mayEncrypt,
  unusedOf,
  userLabels,
} from '@vouchsafe/domain/keys/standard';
import { Problem, type ProblemKind } from '@vouchsafe/domain/problem';
import { attributeValue, customAttribute, type OtherAttribute } from '@vouchsafe/kmip/attribute';
import type { KeyServer } from '@vouchsafe/kmip/client/client';
import { KmipError } from '@vouchsafe/kmip/error';

const kek = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;

export interface StandardKeysInput {
  /** Name of the provider, for messages and events. */
  readonly provider: string;
  readonly server: KeyServer;
  readonly maker: KeyMaker;
  readonly tell: EventSink;
  /** Whether a new key must be on a second server before it is used; for providers with several servers. */
  readonly verify?: boolean;
}

/** A key of a standard provider on its way to hosts. Whoever gets it disposes of it. */
export interface StandardKey extends Disposable {
  readonly id: string;
  readonly key: Secret;
  readonly state: string;
}

/**
 * The keys of a standard provider on its key servers, for a center: they are made there, found again by their id, and
 * handed to hosts. Nothing of them is kept here but the id.
 */
export class StandardKeys {
  readonly #input: StandardKeysInput;

  constructor(input: StandardKeysInput) {
    this.#input = input;
  }

  /**
   * A new key: made with our labels, activated, fetched again.
   * @throws {Problem} `kmip.unreachable`, `kmip.refused`: nothing is to be encrypted then
   */
  async make(): Promise<StandardKey> {
    try {
      const id = await this.#create();
      await this.#input.server.activate(id);
      return await this.#fetch(id, this.#input.verify === true);
    } catch (error) {
      this.#tell('key.generate-failed', undefined, error);
      throw this.#problem('a new key', error);
    }
  }

  /**
   * A key by its id. One that was never activated is; what is in a state in which nothing new is encrypted comes all the
   * same, with that state, so that what exists goes on opening.
   * @throws {Problem} `kmip.unreachable`, `kmip.key-missing`, `kmip.refused`
   */
  async find(id: string): Promise<StandardKey> {
    try {
      const found = await this.#fetch(id, false);
      if (!mayEncrypt(found.state)) this.#input.tell({ id: 'key.not-active', ...this.#about(id), detail: found.state });
      return found;
    } catch (error) {
      const problem = this.#problem(`key ${id}`, error);
      const told = lost[(problem as Problem).kind];
      if (told !== undefined) this.#tell(told, id, error);
      throw problem;
    }
  }

  /** Writes on a key what it is for. A server that keeps no such attributes does not stop its use. */
  async label(id: string, user: KeyUser): Promise<void> {
    await this.#label(id, userLabels(user));
  }

  /**
   * Keys with our labels that nobody uses. Keys of servers that keep no labels are never among them.
   * @param used ids of all keys that VMs and hosts use
   * @throws {Problem} `kmip.unreachable`, `kmip.refused`
   */
  async unused(used: ReadonlySet<string>): Promise<string[]> {
    const { vendor, product } = this.#input.maker;
    const attributes = [customAttribute('x-Vendor', vendor), customAttribute('x-Product', product)];
    try {
      return unusedOf(await this.#input.server.locate({ attributes }), used);
    } catch (error) {
      throw this.#problem('the keys that are not used', error);
    }
  }

  /** Whether a key server answers. */
  async reachable(): Promise<boolean> {
    try {
      await this.#input.server.discoverVersions();
      return true;
    } catch (error) {
      this.#tell('provider.unreachable', undefined, error);
      return false;
    }
  }

  async #create(): Promise<string> {
    const labels = makerLabels(this.#input.maker);
    const attributes = Object.entries(labels).map(([name, value]) => customAttribute(name as `x-${string}`, value));
    try {
      return await this.#input.server.create({ ...kek, attributes });
    } catch (error) {
      // Nothing was made where the server refused the request for its attributes.
      if (!refusedForLabels(error)) throw error;
      const id = await this.#input.server.create(kek);
      await this.#label(id, labels);
      return id;
    }
  }

  async #label(id: string, labels: Readonly<Record<`x-${string}`, string>>): Promise<void> {
    const { server } = this.#input;
    try {
      const names = Object.keys(labels) as `x-${string}`[];
      const there = await server.getAttributes(id, names);
      for (const name of names) {
        const value = (there.find((each) => each.name === name) as OtherAttribute | undefined)?.value.value;
        if (value === undefined) await server.addAttribute(id, customAttribute(name, labels[name]!));
      }
    } catch (error) {
      if (!(error instanceof KmipError) || error.code !== 'operation.failed') throw this.#problem(`key ${id}`, error);
      this.#tell('key.unlabelled', id, error);
    }
  }

  async #fetch(id: string, verify: boolean): Promise<StandardKey> {
    const { server } = this.#input;
    let state = await this.#state(id);
    if (state === 'Pre-Active') {
      await server.activate(id);
      state = await this.#state(id);
    }
    const { material } = await server.get(id, kek, { verify });
    return { id, key: material, state, [Symbol.dispose]: () => material[Symbol.dispose]() };
  }

  async #state(id: string): Promise<string> {
    const state = attributeValue(await this.#input.server.getAttributes(id, ['State']), 'State');
    if (state === undefined) throw new KmipError('answer.invalid', `key ${id} has no State`);
    return state;
  }

  #about(key: string | undefined) {
    return { provider: this.#input.provider, ...(key === undefined ? {} : { key }) };
  }

  #tell(id: Parameters<EventSink>[0]['id'], key: string | undefined, error: unknown): void {
    this.#input.tell({ id, ...this.#about(key), detail: (error as Error).message });
  }

  #problem(what: string, error: unknown): unknown {
    if (!(error instanceof KmipError)) return error;
    return new Problem(kindOf(error), `provider ${this.#input.provider}, ${what}: ${error.message}`, { cause: error });
  }
}

/** The event for a key that could not be had. */
const lost: Partial<Record<ProblemKind, 'key.missing' | 'key.server-unreachable'>> = {
  'kmip.key-missing': 'key.missing',
  'kmip.unreachable': 'key.server-unreachable',
};

/** A missing key and one of somebody else look alike on a careful server; what a server refuses otherwise it has. */
function kindOf({ code, reason }: KmipError): ProblemKind {
  if (code === 'operation.failed') return gone.includes(String(reason)) ? 'kmip.key-missing' : 'kmip.refused';
  if (code === 'replication.lag') return 'kmip.key-missing';
  return refused.includes(code) ? 'kmip.refused' : 'kmip.unreachable';
}
const gone: readonly string[] = ['Item Not Found', 'Object Destroyed', 'Object Archived'];
const refused: readonly KmipError['code'][] = ['server.untrusted', 'answer.invalid', 'replication.conflict'];

/** How servers without custom attributes refuse a Create that has some. */
const refusedForLabels = (error: unknown): boolean =>
  error instanceof KmipError && error.code === 'operation.failed' && labelRefusals.includes(String(error.reason));
const labelRefusals: readonly string[] = [
  'Invalid Field',
  'Invalid Message',
  'Feature Not Supported',
  'Attribute Not Supported',
  'Unsupported Attribute',
  'Invalid Attribute',
  'Operation Not Supported',
];
