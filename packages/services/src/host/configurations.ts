import { createHash } from 'node:crypto';
import { Problem } from '@vouchsafe/domain/problem';
import type { Paths } from '../config/paths.ts';
import { HttpClient } from '../http/client.ts';
import type { PrimaryKeyOrder } from './primary-key-orders.ts';

/** A configuration as parts give it; see `rawConfig`. */
export interface RawConfiguration {
  readonly generation: number;
  readonly documents: readonly { readonly collection: string; readonly name: string; readonly body: unknown }[];
}

/** What is compared between members. */
export interface ConfigurationDigest {
  readonly generation: number;
  readonly digest: string;
}

const configured = { attestd: '/attestation/raw-config', kmxd: '/kms/raw-config' } as const;
type Configured = keyof typeof configured;

/**
 * The configurations of attestd and kmxd on this host, through their administrators' sockets. What belongs to one host
 * alone is left out where members are compared and levelled: attestd's own count of changes, and the client
 * certificates of key servers, whose private keys do not leave kmxd.
 */
export class LocalParts {
  readonly #paths: Paths;

  constructor(paths: Paths) {
    this.#paths = paths;
  }

  /** What another member takes over. @throws {Problem} `object.unknown`, `host.not-ready` */
  async read(part: string): Promise<RawConfiguration> {
    if (!Object.hasOwn(configured, part)) throw new Problem('object.unknown', `part ${part}`);
    const { generation, documents } = await this.#raw(part as Configured);
    return { generation, documents: documents.map(shared) };
  }

  /**
   * Takes over the configuration of another member; never downwards.
   * @returns whether there was anything to take over
   * @throws {Problem} `object.in-use` when ours is as new or newer and another one
   */
  async take(part: Configured, theirs: RawConfiguration): Promise<boolean> {
    const ours = await this.read(part);
    if (digestOf(ours.documents) === digestOf(theirs.documents)) return false;
    const { generation, documents } = theirs;
    await this.#call(part, 'PUT', configured[part], { generation, documents });
    return true;
  }

  /** Has kmxd do a step about a primary key. @throws {Problem} what kmxd says, `host.not-ready` */
  async primaryKeyStep({ provider, step }: PrimaryKeyOrder): Promise<void> {
    await this.#call('kmxd', 'POST', `/kms/providers/${provider}/primary-keys`, step);
  }

  /** Whether a part was never configured. */
  async isUntouched(): Promise<boolean> {
    const generations = await Promise.all(
      (Object.keys(configured) as Configured[]).map(async (part) => (await this.#raw(part)).generation),
    );
    return generations.every((generation) => generation === 0);
  }

  /** By part; one that does not answer is left out. */
  async digests(): Promise<Record<string, ConfigurationDigest>> {
    const found = await Promise.all(
      (Object.keys(configured) as Configured[]).map(async (part) => {
        const raw = await this.read(part).catch(() => undefined);
        return raw === undefined
          ? []
          : ([[part, { generation: raw.generation, digest: digestOf(raw.documents) }]] as const);
      }),
    );
    return Object.fromEntries(found.flat());
  }

  async #raw(part: Configured): Promise<RawConfiguration> {
    return (await this.#call(part, 'GET', configured[part])) as RawConfiguration;
  }

  async #call(part: Configured, method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const client = new HttpClient({ socket: this.#paths.admin(part) }, { limit: 64 * 1024 * 1024 });
    try {
      return (await client.call(method, path, body)).body;
    } catch (cause) {
      if (cause instanceof Problem && cause.kind !== 'service.unreachable') throw cause;
      throw new Problem('host.not-ready', `${part} does not answer: ${(cause as Error).message}`, { cause });
    } finally {
      await client.close();
    }
  }
}

type Document = RawConfiguration['documents'][number];

function shared(document: Document): Document {
  const { collection, body } = document;
  if (collection !== 'providers') return document;
  const { client_certificate: _own, client_ca: _ca, ...rest } = body as Record<string, unknown>;
  return { ...document, body: rest };
}

/** SHA-256, hexadecimal, over what members must have in common. */
function digestOf(documents: readonly Document[]): string {
  const hash = createHash('sha256');
  const common = documents.filter(({ collection, name }) => !(collection === 'tpm2/settings' && name === 'epoch'));
  for (const { collection, name, body } of common) hash.update(JSON.stringify([collection, name, sorted(body)]));
  return hash.digest('hex');
}

/** The same content in another order of names is the same. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]));
}
