import { randomUUID } from 'node:crypto';
import type { Secret } from '@vouchsafe/bytes/secret';
import { KeyUses, keyUses, Uuid } from '@vouchsafe/domain/keys/reference';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';
import { checkDocuments, sameName } from '../management/collections.ts';
import type { Replacement } from '../management/raw-config.ts';
import { defaultLimits, ReleaseLimits } from './release-limits.ts';

const closed = { additionalProperties: false } as const;

export const KeyServer = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128 }),
    address: Type.Object(
      {
        hostname: Type.String({ minLength: 1, maxLength: 253 }),
        port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
      },
      closed,
    ),
  },
  closed,
);
export type KeyServer = Type.Static<typeof KeyServer>;

export const ProxyServer = Type.Object(
  {
    kind: Type.Optional(Type.Union([Type.Literal('connect'), Type.Literal('relay')])),
    hostname: Type.String({ minLength: 1, maxLength: 253 }),
    port: Type.Integer({ minimum: 1, maximum: 65535 }),
  },
  closed,
);
export type ProxyServer = Type.Static<typeof ProxyServer>;

/** A primary key of a provider: `uid` is its name on the key server and in KEK ciphertexts. */
export const PrimaryKey = Type.Object(
  {
    uid: Type.String({ minLength: 1, maxLength: 256 }),
    role: Type.Union([Type.Literal('next'), Type.Literal('current'), Type.Literal('old')]),
    /** Of a `next` that was an old one: there are KEKs under it, so it is old again when the rotation is cancelled. */
    used: Type.Optional(Type.Literal(true)),
  },
  closed,
);
export type PrimaryKey = Type.Static<typeof PrimaryKey>;

const Scope = Type.String({ minLength: 1, maxLength: 256 });

/** Hosts of scope `opened_in` open what hosts of scope `made_in` made; not the other way round. */
export const ScopePair = Type.Object({ made_in: Scope, opened_in: Scope }, closed);
export type ScopePair = Type.Static<typeof ScopePair>;

/** A trusted key provider. Its id is immutable and never used again; its name is for people. */
export const Provider = Type.Object(
  {
    id: Uuid,
    name: Type.String({ minLength: 1, maxLength: 256 }),
    description: Type.String({ maxLength: 1024 }),
    servers: Type.Array(KeyServer, { minItems: 1, maxItems: 32 }),
    /** Seconds for connection, TLS and one answer of one server. */
    connection_timeout: Type.Optional(Type.Integer({ minimum: 1, maximum: 60 })),
    /** What stands between this host and the key servers: an HTTP proxy that is asked for a tunnel, or a plain relay. */
    proxy_server: Type.Optional(ProxyServer),
    /** Name that goes with the password in the header of each request (KMIP 1.4, 2.1.2). */
    username: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    primary_keys: Type.Array(PrimaryKey, { minItems: 1, maxItems: 64 }),
    /** PEM certificates of key servers or their CAs. */
    trusted_certificates: Type.Array(Type.String({ maxLength: 16384 }), { maxItems: 32 }),
    client_certificate: Type.Optional(Type.String({ maxLength: 32768 })),
    /** CA of this provider on this host: a key server that trusts it takes renewed client certificates unasked. */
    client_ca: Type.Optional(Type.String({ maxLength: 32768 })),
    /** What released keys may be used for. */
    uses: KeyUses,
    /**
     * `all`: a host of any scope opens any ciphertext of this provider. `own`: only those its own scope made. Pairs: those,
     * and what the pairs name.
     */
    share: Type.Union([
      Type.Literal('all'),
      Type.Literal('own'),
      Type.Array(ScopePair, { minItems: 1, maxItems: 1000 }),
    ]),
    /** Scopes, that is trusted clusters, whose hosts get keys of this provider; all when it is not there. */
    scopes: Type.Optional(Type.Array(Scope, { minItems: 1, maxItems: 1000, uniqueItems: true })),
    /** Seconds since 1970: KEKs that were made before are not opened any more. */
    min_kek_iat: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 40 })),
    /** Release to hosts whose userspace no measurement covers. */
    accept_unmeasured_userspace: Type.Boolean(),
    /** Release to hosts that nobody approved by hand. */
    accept_auto_enrolled: Type.Boolean(),
    /** Refuse also to wrap anew what a compromised primary key has wrapped. */
    deny_compromised: Type.Boolean(),
    /**
     * How KEKs are wrapped, fixed when the provider is made. `A256KW`: `kmxd` gets the primary key and has it in memory.
     * `A256GCMKW`: the key never leaves the key server, which encrypts and decrypts (KMIP 1.4).
     */
    alg: Type.Optional(Type.Union([Type.Literal('A256KW'), Type.Literal('A256GCMKW')])),
    /** Seconds for which primary keys are used while no key server answers. */
    key_ttl: Type.Integer({ minimum: 0, maximum: 86_400 }),
  },
  closed,
);
export type Provider = Type.Static<typeof Provider>;

export const defaultProvider = {
  description: '',
  trusted_certificates: [],
  uses: [...keyUses],
  share: 'all',
  accept_unmeasured_userspace: false,
  accept_auto_enrolled: false,
  deny_compromised: false,
  key_ttl: 3600,
} as const satisfies Partial<Provider>;

/** What `provider harden` sets: a key starts VMs and is wrapped anew, by hosts of its own scope. */
export const hardened = {
  uses: ['run', 'recrypt'],
  share: 'own',
  accept_unmeasured_userspace: false,
  accept_auto_enrolled: false,
} as const satisfies Partial<Provider>;

const collection = 'providers';
const settings = 'settings';
const read = validator('stored key provider', Provider);
const readLimits = validator('stored limits', ReleaseLimits);
/** What is sealed for a provider: PEM of private keys, and the password. */
const secrets = ['client-key', 'csr-key', 'ca-key', 'password'] as const;
export type ProviderSecret = (typeof secrets)[number];
const secretName = (id: string, secret: ProviderSecret) => `providers/${id}/${secret}`;

/** The key providers of a Key Provider Service, typed, over its store. */
export class ProviderConfiguration {
  readonly #store: ConfigStore;
  #changed: (id: string) => void = () => undefined;

  constructor(store: ConfigStore) {
    this.#store = store;
  }

  /** Is told the id of each provider whose connections changed, or that lost a primary key. */
  onChange(told: (id: string) => void): void {
    this.#changed = told;
  }

  list(): Provider[] {
    return this.#store.list(collection).map(({ body }) => read(body));
  }

  find(id: string): Provider | undefined {
    const stored = this.#store.get(collection, id);
    return stored === undefined ? undefined : read(stored);
  }

  /** By id or name. @throws {Problem} `provider.unknown` */
  get(idOrName: string): Provider {
    const found = this.find(idOrName) ?? this.list().find(({ name }) => name === idOrName);
    if (found === undefined) throw new Problem('provider.unknown', idOrName);
    return found;
  }

  /** @throws {Problem} `object.exists` when the name is taken */
  add(provider: Omit<Provider, 'id'>): Provider {
    if (this.list().some(({ name }) => name === provider.name))
      throw new Problem('object.exists', `key provider ${provider.name}`);
    const complete = { id: randomUUID(), ...provider };
    this.#store.add(collection, complete.id, complete);
    return complete;
  }

  put(provider: Provider): void {
    const before = this.find(provider.id);
    this.#store.put(collection, provider.id, provider);
    if (before === undefined || !sameConnection(before, provider)) this.#changed(provider.id);
  }

  delete(id: string): void {
    this.#store.delete(collection, id);
    for (const secret of secrets) this.#store.deleteSecret(secretName(id, secret));
    this.#changed(id);
  }

  /**
   * Takes over a whole configuration; connections and keys of all providers are got anew. That of another member comes
   * without client certificates: each host keeps its own, whose private keys are here alone.
   * @throws {Problem} `object.in-use` when it is not newer, `input.invalid` naming the document
   */
  takeOver(replacement: Replacement): void {
    checkDocuments(replacement, {
      [collection]: (name, body) => sameName(name, read(body).id),
      [settings]: (name, body) => {
        sameName(name, 'limits');
        readLimits(body);
      },
    });
    const before = this.list();
    const documents = replacement.documents.map((document) => withOwnCertificate(document, before));
    this.#store.replace({ ...replacement, documents });
    for (const { id } of [...before, ...this.list()]) this.#changed(id);
  }

  secret(id: string, secret: ProviderSecret): Secret | undefined {
    return this.#store.getSecret(secretName(id, secret));
  }

  /** Connections are made anew. */
  putSecret(id: string, secret: ProviderSecret, value: Secret): void {
    this.#store.putSecret(secretName(id, secret), value);
    this.#changed(id);
  }

  deleteSecret(id: string, secret: ProviderSecret): void {
    this.#store.deleteSecret(secretName(id, secret));
    this.#changed(id);
  }

  /** What one host may ask for. */
  limits(): ReleaseLimits {
    const stored = this.#store.get(settings, 'limits');
    return stored === undefined ? defaultLimits : readLimits(stored);
  }

  putLimits(limits: ReleaseLimits): void {
    this.#store.put(settings, 'limits', limits);
  }

  /** @param more what else of the provider changes with it */
  setClientCertificate(
    provider: Provider,
    certificate: string,
    privateKey: Secret,
    more: Partial<Provider> = {},
  ): void {
    this.putSecret(provider.id, 'client-key', privateKey);
    this.put({ ...provider, ...more, client_certificate: certificate });
  }
}

type Document = Replacement['documents'][number];

function withOwnCertificate(document: Document, before: readonly Provider[]): Document {
  const own = before.find(({ id }) => document.collection === collection && id === document.name);
  const { client_certificate, client_ca } = own ?? {};
  const body = document.body as Provider;
  if (client_certificate === undefined || body.client_certificate !== undefined) return document;
  return { ...document, body: { ...body, client_certificate, ...(client_ca === undefined ? {} : { client_ca }) } };
}

/** Rules and roles change while releases go on: keys and connections are kept through that. */
function sameConnection(before: Provider, after: Provider): boolean {
  const of = ({ servers, trusted_certificates, client_certificate, ...each }: Provider) => {
    const { connection_timeout, proxy_server, username } = each;
    return JSON.stringify([
      servers,
      trusted_certificates,
      client_certificate,
      connection_timeout,
      proxy_server,
      username,
    ]);
  };
  const lost = before.primary_keys.some(({ uid }) => !after.primary_keys.some((key) => key.uid === uid));
  return !lost && of(before) === of(after);
}
