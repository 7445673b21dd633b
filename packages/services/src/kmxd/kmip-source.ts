import { createSecretKey, type KeyObject } from 'node:crypto';
import type { RemoteKey } from '@vouchsafe/domain/keys/remote-kek';
import { Problem } from '@vouchsafe/domain/problem';
import { type KeyServer, kmipClient } from '@vouchsafe/kmip/client/client';
import type { BreakerOptions, KmipProxy, KmipServer, UsernameCredential } from '@vouchsafe/kmip/client/options';
import { KmipError } from '@vouchsafe/kmip/error';
import type { Provider, ProviderConfiguration } from './configuration.ts';
import { type KeyState, keyStates, type ServerWord } from './key-state.ts';
import type { PrimaryKeySource } from './primary-keys.ts';

/** Milliseconds in which a key server tells the state of a key: with the interval of polls, how late a change is seen. */
export const stateTimeout = 2000;
/** Seconds for connection, TLS and one answer of one server, where the provider does not say. */
export const connectionTimeout = 5;

interface Clients {
  /** Asks the servers in their order. */
  readonly any: KeyServer;
  /** Each asks one server alone. */
  readonly each: readonly (readonly [name: string, client: KeyServer])[];
}

/** Gets primary keys by KMIP, with clients of their own for each provider. */
export class KmipSource implements PrimaryKeySource {
  readonly #providers: Pick<ProviderConfiguration, 'secret'>;
  readonly #now: () => number;
  readonly #clients = new Map<string, Clients>();

  /** @param now seconds of any clock */
  constructor(providers: Pick<ProviderConfiguration, 'secret'>, now: () => number) {
    [this.#providers, this.#now] = [providers, now];
  }

  async states(provider: Provider, uid: string): Promise<ServerWord[]> {
    let clients: Clients;
    try {
      clients = this.#of(provider);
    } catch (error) {
      const problem = (error as Error).message;
      return provider.servers.map(({ name }) => ({ server: name, state: undefined, at: this.#now(), problem }));
    }
    return await Promise.all(
      clients.each.map(async ([server, client]): Promise<ServerWord> => {
        try {
          const state = stateIn(await client.getAttributes(uid, ['State']));
          return { server, state, at: this.#now(), problem: undefined };
        } catch (error) {
          return { server, ...wordFrom(error), at: this.#now() };
        }
      }),
    );
  }

  /** @throws {Problem} `kmip.unreachable`, `kmip.refused` */
  async get(provider: Provider, uid: string): Promise<KeyObject> {
    try {
      using fetched = await this.#of(provider).any.get(uid, { algorithm: 'AES', length: 256 });
      return fetched.material.use((bytes) => createSecretKey(bytes));
    } catch (error) {
      throw asProblem(provider, uid, error);
    }
  }

  remote(provider: Provider, uid: string): RemoteKey {
    const asked = async <T>(work: (server: KeyServer) => Promise<T>): Promise<T> => {
      try {
        return await work(this.#of(provider).any);
      } catch (error) {
        throw asProblem(provider, uid, error);
      }
    };
    return {
      encrypt: (plaintext) =>
        asked(async (server) => {
          const { data, iv, tag } = await server.encrypt(uid, plaintext);
          return { data, iv: iv ?? new Uint8Array(), tag: tag ?? new Uint8Array() };
        }),
      decrypt: (ciphertext) =>
        asked(async (server) => {
          try {
            return await server.decrypt(uid, ciphertext);
          } catch (error) {
            throw isNotOurs(error) ? new Problem('release.refused', notOpened, { cause: error }) : error;
          }
        }),
    };
  }

  /** Closes the connections of a provider; the next request opens new ones. */
  forget(id: string): void {
    const { any, each = [] } = this.#clients.get(id) ?? {};
    for (const client of [any, ...each.map(([, one]) => one)]) client?.close();
    this.#clients.delete(id);
  }

  close(): void {
    for (const id of [...this.#clients.keys()]) this.forget(id);
  }

  #of(provider: Provider): Clients {
    const known = this.#clients.get(provider.id);
    if (known !== undefined) return known;
    const clients = this.#connect(provider);
    this.#clients.set(provider.id, clients);
    return clients;
  }

  #connect(provider: Provider): Clients {
    using key = this.#providers.secret(provider.id, 'client-key');
    if (key === undefined || provider.client_certificate === undefined) {
      throw new Problem('kmip.refused', `provider ${provider.name} has no client certificate`);
    }
    if (provider.trusted_certificates.length === 0) {
      throw new Problem('kmip.refused', `provider ${provider.name} trusts no certificate of a key server`);
    }
    const [first, ...others] = kmipServers(provider);
    if (first === undefined) throw new Problem('kmip.refused', `provider ${provider.name} has no key server`);
    const tryTimeout = 1000 * (provider.connection_timeout ?? connectionTimeout);
    const timeout = Math.min(stateTimeout, tryTimeout);
    // The client keeps what it is given: every client gets a password of its own.
    const options = () => ({ certificate: provider.client_certificate ?? '', key, ...this.#credential(provider) });
    const each = [first, ...others].map((server, i) => {
      const client = kmipClient({ ...options(), servers: [server], tryTimeout: timeout, timeout, breaker: never });
      return [provider.servers[i]?.name ?? '', client] as const;
    });
    return { any: kmipClient({ ...options(), servers: [first, ...others], tryTimeout, breaker: soon }), each };
  }

  #credential({ id, username }: Provider): { credential?: UsernameCredential } {
    if (username === undefined) return {};
    const password = this.#providers.secret(id, 'password');
    return { credential: { username, ...(password === undefined ? {} : { password }) } };
  }
}

/** Every server is asked with every poll, whatever it did before. */
const never: BreakerOptions = { failures: Number.MAX_SAFE_INTEGER };
/** Key servers that come back are used at once. */
const soon: BreakerOptions = { longest: 5000 };

/** The key servers of a provider as the KMIP client wants them. */
export function kmipServers({ servers, trusted_certificates, proxy_server: via }: Provider): KmipServer[] {
  const proxy: KmipProxy | undefined = via && { kind: via.kind ?? 'connect', host: via.hostname, port: via.port };
  return servers.map(({ address: { hostname, port } }) => ({
    host: hostname,
    trust: { certificates: trusted_certificates },
    ...(port === undefined ? {} : { port }),
    ...(proxy === undefined ? {} : { proxy }),
  }));
}

/** @throws {KmipError} when the server tells no state of the standard */
function stateIn(attributes: readonly { readonly name: string; readonly value: unknown }[]): KeyState {
  const said = attributes.find(({ name }) => name === 'State')?.value;
  const state = keyStates.find((each) => each === said);
  if (state === undefined) throw new KmipError('answer.invalid', `the server tells state ${String(said)}`);
  return state;
}

function wordFrom(error: unknown): Pick<ServerWord, 'state' | 'problem' | 'distrust'> {
  if (error instanceof KmipError && error.reason === 'Item Not Found') return { state: 'Missing', problem: undefined };
  const problem = (error as Error).message;
  const distrust = error instanceof KmipError ? distrustIn(error) : undefined;
  return { state: undefined, problem, ...(distrust === undefined ? {} : { distrust }) };
}

/**
 * Servers refuse a certificate by an alert (RFC 8446, 6.2), or end the connection without a word once TLS is set up.
 */
function distrustIn({ code, cause }: KmipError): ServerWord['distrust'] {
  const alert = /ALERT/.test(String((cause as NodeJS.ErrnoException | undefined)?.code));
  if (alert || (code === 'server.unreachable' && cause === undefined)) return 'of client';
  return code === 'server.untrusted' ? 'of server' : undefined;
}

const notOpened = 'the ciphertext does not open with this primary key';

/** What servers answer where tag or text are not what the key made; nothing is wrong with the server then. */
const isNotOurs = (error: unknown): boolean =>
  error instanceof KmipError && (error.reason === 'Cryptographic Failure' || error.reason === 'Invalid Field');

function asProblem(provider: Provider, uid: string, error: unknown): unknown {
  if (!(error instanceof KmipError)) return error;
  const refused =
    error.code === 'operation.failed' || error.code === 'server.untrusted' || error.code === 'answer.invalid';
  const kind = refused ? 'kmip.refused' : 'kmip.unreachable';
  return new Problem(kind, `provider ${provider.name}, primary key ${uid}: ${error.message}`, { cause: error });
}
