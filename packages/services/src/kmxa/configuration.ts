import { GroupId } from '@vouchsafe/domain/attestation/claims';
import { groupOf } from '@vouchsafe/domain/group/group';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';
import { checkDocuments, sameName } from '../management/collections.ts';
import type { Replacement } from '../management/raw-config.ts';

const closed = { additionalProperties: false } as const;

/** A registered service of the Trust Authority, with the fields of the vendor contract. */
export const ServiceRecord = Type.Object(
  {
    /** `https://HOST` of the Trust Authority host's proxy. */
    address: Type.String({ pattern: '^https://[^/]+$', maxLength: 512 }),
    /** The group CA, PEM. */
    trusted_CA: Type.String({ maxLength: 16384 }),
    group: GroupId,
  },
  closed,
);
export type ServiceRecord = Type.Static<typeof ServiceRecord>;

export const AgentSettings = Type.Object(
  {
    /** Seconds after a positive verdict in which a VM may start from cached keys while no service answers. */
    offline_grace: Type.Integer({ minimum: 0, maximum: 7 * 24 * 3600 }),
  },
  closed,
);
export type AgentSettings = Type.Static<typeof AgentSettings>;

export const defaultAgentSettings: AgentSettings = { offline_grace: 8 * 3600 };

export const serviceKinds = ['attestation', 'kms'] as const;
export type ServiceKind = (typeof serviceKinds)[number];

const readService = validator('stored service', ServiceRecord);
const readSettings = validator('stored settings', AgentSettings);

const trustedProviders = 'trusted-providers';

/** What a trusted host knows of its Trust Authority, typed, over its store. */
export class AgentConfiguration {
  readonly #store: ConfigStore;
  readonly #group: string;

  /** @param group the group that local root pinned; records of other groups are refused */
  constructor(store: ConfigStore, group: string) {
    this.#store = store;
    this.#group = group;
  }

  services(kind: ServiceKind): { id: string; service: ServiceRecord }[] {
    return this.#store.list(`${kind}/services`).map(({ name, body }) => ({ id: name, service: readService(body) }));
  }

  /**
   * Registers a service. Who registers services must not be able to bring in a group of their own.
   * @throws {Problem} `service.untrusted` when its CA is not that of the pinned group
   */
  addService(kind: ServiceKind, id: string, service: ServiceRecord): void {
    this.#refuseForeign(service);
    this.#store.add(`${kind}/services`, id, service);
  }

  /**
   * Takes over a whole configuration; the pin is no part of it.
   * @throws {Problem} `object.in-use` when it is not newer, `service.untrusted`, `input.invalid` naming the document
   */
  takeOver(replacement: Replacement): void {
    const service = (_name: string, body: unknown) => this.#refuseForeign(readService(body));
    checkDocuments(replacement, {
      ...Object.fromEntries(serviceKinds.map((kind) => [`${kind}/services`, service])),
      settings: (name, body) => {
        sameName(name, 'agent');
        readSettings(body);
      },
    });
    this.#store.replace(replacement);
  }

  #refuseForeign(service: ServiceRecord): void {
    if (service.group !== this.#group) {
      throw new Problem('service.untrusted', `group: ${service.group}, but this host is pinned to ${this.#group}`);
    }
    groupOf(service.trusted_CA, this.#group);
  }

  deleteService(kind: ServiceKind, id: string): void {
    this.#store.delete(`${kind}/services`, id);
  }

  /** Remembers ids of providers of the Trust Authority: they are for good. */
  rememberTrusted(ids: readonly string[]): void {
    for (const id of ids) if (!this.isTrusted(id)) this.#store.putState(trustedProviders, id, {});
  }

  isTrusted(id: string): boolean {
    return this.#store.getState(trustedProviders, id) !== undefined;
  }

  /** Whether the Trust Authority ever told of a provider. */
  knowsTrusted(): boolean {
    return this.#store.countState(trustedProviders) > 0;
  }

  settings(): AgentSettings {
    const stored = this.#store.get('settings', 'agent');
    return stored === undefined ? defaultAgentSettings : readSettings(stored);
  }

  setSettings(settings: AgentSettings): void {
    this.#store.put('settings', 'agent', settings);
  }
}
