import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { KeyReference, KeyUse } from '@vouchsafe/domain/keys/reference';
import { Problem } from '@vouchsafe/domain/problem';
import type { Seal } from '../seal/part-key.ts';
import type { AgentConfiguration } from './configuration.ts';
import { KekCache } from './kek-cache.ts';
import type { KeyReleaseClient } from './key-release-client.ts';
import { NativeProvider } from './native-provider.ts';
import type { HeldProvider, PushedKeys } from './pushed-keys.ts';
import { StandardProvider } from './standard-provider.ts';
import { TrustedProvider } from './trusted-provider.ts';

/** A key provider as this host shows it. */
export interface ListedProvider {
  /** Its id. */
  readonly provider: string;
  readonly name: string;
  readonly kind: KeyReference['kind'];
  readonly uses: readonly KeyUse[];
  readonly available: boolean;
  readonly health: 'OK' | 'WARNING' | 'ERROR';
  /** What is wrong, and what to do. */
  readonly details: readonly string[];
}

export interface HostProvidersInput {
  readonly configuration: AgentConfiguration;
  readonly release: KeyReleaseClient;
  readonly cache: KekCache;
  readonly pushed: PushedKeys;
  /** What protects the store of the agent while the host is off. */
  readonly seal: Seal;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** The key providers of this host, of all three kinds. */
export class HostProviders {
  readonly #input: HostProvidersInput;

  constructor(input: HostProvidersInput) {
    this.#input = input;
  }

  /** Those of the Trust Authority as it tells them now, then those that a center gave. @throws {Problem} */
  async list(): Promise<ListedProvider[]> {
    const trusted = (await this.#trusted()).map(
      ({ prv, name, uses }): ListedProvider => listed(prv, name, 'trusted', uses, 'OK', []),
    );
    return [...trusted, ...this.#input.pushed.list().map((each) => this.#shown(each))];
  }

  /** The provider of a reference. */
  of(reference: KeyReference): KeyProvider {
    return this.#make(reference.kind, reference.prv);
  }

  /**
   * A provider by name or id.
   * @param key id of the key of a standard provider that is to encrypt
   * @throws {Problem} `provider.unknown`; `input.invalid` when two have the name
   */
  named(name: string, key?: string): Promise<KeyProvider> {
    return this.#named(name, this.#input.cache, key);
  }

  /** The same, for keys that nobody is to keep. */
  uncached(name: string): Promise<KeyProvider> {
    const nothing = new KekCache(
      this.#input.now,
      () => undefined,
      () => 0,
    );
    return this.#named(name, nothing);
  }

  async #named(name: string, cache: KekCache, key?: string): Promise<KeyProvider> {
    const pushed = this.#input.pushed.list();
    const byId = pushed.find(({ prv }) => prv === name);
    if (byId !== undefined) {
      await this.#refuseTaken(byId.prv);
      return this.#make(byId.provider.told.kind, byId.prv, cache, key);
    }
    // A center may choose names, so a provider of the Trust Authority never gives way to one of the same name: when the
    // Trust Authority does not answer, nobody knows its names.
    const all = [
      ...(await this.#trusted()).map(({ prv, name }) => ({ prv, name, kind: 'trusted' as const })),
      ...pushed.map(({ prv, provider }) => ({ prv, name: provider.name, kind: provider.told.kind })),
    ];
    const found = all.filter((each) => each.name === name || each.prv === name);
    const [only] = found;
    if (only === undefined)
      throw new Problem('provider.unknown', `${name}; there are ${all.map((each) => each.name).join(', ') || 'none'}`);
    if (found.length > 1)
      throw new Problem(
        'input.invalid',
        `provider: ${found.length} providers are called ${name}; give the id: ${found.map(({ prv, kind }) => `${prv} (${kind})`).join(', ')}`,
      );
    return this.#make(only.kind, only.prv, cache, key);
  }

  /** A center chooses ids as well. @throws {Problem} `input.invalid` when the id is one of the Trust Authority */
  async #refuseTaken(prv: string): Promise<void> {
    const { configuration } = this.#input;
    if (configuration.services('kms').length === 0) return;
    try {
      await this.#trusted();
    } catch (error) {
      // What the Trust Authority told before goes on counting; keys of a center are there while it is down.
      if (!configuration.knowsTrusted()) throw error;
    }
    if (configuration.isTrusted(prv))
      throw new Problem(
        'input.invalid',
        `provider: ${prv} is one of the Trust Authority, and a center gave this host another one under the same id`,
      );
  }

  #make(kind: KeyReference['kind'], prv: string, cache = this.#input.cache, key?: string): KeyProvider {
    const { release, pushed, now } = this.#input;
    if (key !== undefined && kind !== 'standard')
      throw new Problem('input.invalid', `key: a ${kind} provider makes its keys itself; leave it out`);
    const make: Record<KeyReference['kind'], () => KeyProvider> = {
      trusted: () => new TrustedProvider(prv, release, cache),
      native: () => new NativeProvider(prv, pushed, now),
      standard: () => new StandardProvider(prv, pushed, key),
    };
    return make[kind]();
  }

  async #trusted() {
    const { configuration, release } = this.#input;
    const nobodyElse = this.#input.pushed.list().length === 0;
    const asked = nobodyElse || configuration.services('kms').length > 0;
    const found = asked ? await release.providers() : [];
    configuration.rememberTrusted(found.map(({ prv }) => prv));
    return found;
  }

  #shown({ prv, provider }: { prv: string; provider: HeldProvider }): ListedProvider {
    const { name, uses, told } = provider;
    const details = told.kind === 'native' ? this.#nativeDetails(provider) : this.#standardDetails(prv);
    return listed(prv, name, told.kind, uses, details.length === 0 ? 'OK' : 'WARNING', details);
  }

  #nativeDetails({ tpm_required }: HeldProvider): string[] {
    return tpm_required || this.#input.seal === 'tpm'
      ? []
      : [
          'its keys are readable from this host\'s disk: set `seal = "tpm"` in host.toml, or tpm_required of the provider',
        ];
  }

  #standardDetails(prv: string): string[] {
    const lost = this.#input.pushed.standardKeys(prv).filter(({ key }) => key === undefined).length;
    return lost === 0
      ? []
      : [`${lost} of its keys were lost from memory with a start of the agent: have the center hand them out again`];
  }
}

function listed(
  provider: string,
  name: string,
  kind: KeyReference['kind'],
  uses: readonly KeyUse[],
  health: ListedProvider['health'],
  details: readonly string[],
): ListedProvider {
  const available = uses.includes('run');
  // A provider whose keys must not run VMs is of no use to a host.
  return available
    ? { provider, name, kind, uses, available, health, details }
    : { provider, name, kind, uses, available, health: 'ERROR', details: [...details, 'its keys may not run VMs'] };
}
