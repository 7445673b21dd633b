import { createPrivateKey, createSecretKey, type KeyObject, X509Certificate } from 'node:crypto';
import { Problem } from '@vouchsafe/domain/problem';
import { type KeyServer, kmipClient } from '@vouchsafe/kmip/client/client';
import type { KmipServer, ServerTrust } from '@vouchsafe/kmip/client/options';
import { KmipError } from '@vouchsafe/kmip/error';
import type { Provider, ProviderConfiguration } from './configuration.ts';
import type { PrimaryKeySource } from './primary-keys.ts';

/** Gets primary keys by KMIP, with one client a provider. */
export class KmipSource implements PrimaryKeySource {
  readonly #providers: ProviderConfiguration;
  readonly #clients = new Map<string, KeyServer>();

  constructor(providers: ProviderConfiguration) {
    this.#providers = providers;
  }

  /** The key and whether it is Active; other states open what was wrapped before. @throws {Problem} as declared */
  async get(provider: Provider, uid: string): Promise<{ key: KeyObject; active: boolean }> {
    const client = this.#client(provider);
    try {
      const attributes = await client.getAttributes(uid, ['State']);
      const state = attributes.find(({ name }) => name === 'State')?.value;
      refuseUnusable(provider, uid, String(state));
      using fetched = await client.get(uid, { algorithm: 'AES', length: 256 });
      return { key: fetched.material.use((bytes) => createSecretKey(bytes)), active: state === 'Active' };
    } catch (error) {
      throw asProblem(provider, uid, error);
    }
  }

  /** Closes the connections of a provider; the next request opens new ones. */
  forget(id: string): void {
    this.#clients.get(id)?.close();
    this.#clients.delete(id);
  }

  close(): void {
    for (const id of [...this.#clients.keys()]) this.forget(id);
  }

  #client(provider: Provider): KeyServer {
    const known = this.#clients.get(provider.id);
    if (known !== undefined) return known;
    const client = this.#connect(provider);
    this.#clients.set(provider.id, client);
    return client;
  }

  #connect(provider: Provider): KeyServer {
    using privateKey = this.#providers.clientKey(provider.id);
    if (privateKey === undefined || provider.client_certificate === undefined) {
      throw new Problem('kmip.refused', `provider ${provider.name} has no client certificate`);
    }
    if (provider.trusted_certificates.length === 0) {
      throw new Problem('kmip.refused', `provider ${provider.name} trusts no certificate of a key server`);
    }
    const trust = trustOf(provider.trusted_certificates);
    const servers = provider.servers.map(
      ({ address: { hostname, port } }): KmipServer => ({
        host: hostname,
        trust,
        ...(port === undefined ? {} : { port }),
      }),
    );
    return kmipClient({
      servers: servers as [KmipServer, ...KmipServer[]],
      certificate: provider.client_certificate,
      key: privateKey.use((bytes) => createPrivateKey(Buffer.from(bytes))),
    });
  }
}

/** One certificate that is no CA is a server's own: it is pinned. */
function trustOf(certificates: readonly string[]): ServerTrust {
  const [only] = certificates;
  const parsed = only === undefined || certificates.length > 1 ? undefined : new X509Certificate(only);
  return parsed === undefined || parsed.ca ? { ca: [...certificates] } : { pin: parsed.fingerprint256 };
}

/** States in which a key must not be used for anything any more, or not yet (KMIP 1.4, 3.22). */
function refuseUnusable(provider: Provider, uid: string, state: string): void {
  if (state === 'Active' || state === 'Deactivated') return;
  throw new Problem('kmip.key-unusable', `provider ${provider.name}: primary key ${uid} is ${state}`);
}

function asProblem(provider: Provider, uid: string, error: unknown): unknown {
  if (!(error instanceof KmipError)) return error;
  const refused =
    error.code === 'operation.failed' || error.code === 'server.untrusted' || error.code === 'answer.invalid';
  const kind = refused ? 'kmip.refused' : 'kmip.unreachable';
  return new Problem(kind, `provider ${provider.name}, primary key ${uid}: ${error.message}`, { cause: error });
}
