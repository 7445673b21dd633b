import { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import {
  type AttestationPolicy,
  defaultTpmSettings,
  type TpmAuthority,
  TpmSettings,
} from '@vouchsafe/domain/attestation/policy';
import { certificateOf, type Group } from '@vouchsafe/domain/group/group';
import { validator } from '@vouchsafe/domain/parse';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';

/** A CA of TPM makers as it is stored: PEM certificates, the root last. */
export const StoredAuthority = Type.Object(
  { certs: Type.Array(Type.String({ maxLength: 16384 }), { minItems: 1, maxItems: 8 }), virtual: Type.Boolean() },
  { additionalProperties: false },
);
export type StoredAuthority = Type.Static<typeof StoredAuthority>;

/** A TPM that proved itself and that nobody approved: it waits. */
export interface PendingHost {
  readonly ek: string;
  readonly tpm: HostRecord['tpm'];
  readonly image: string | undefined;
  /** ISO 8601. */
  readonly since: string;
}

const collections = {
  authorities: 'tpm2/ca-certificates',
  hosts: 'tpm2/endorsement-keys',
  settings: 'tpm2/settings',
  images: 'base-images',
} as const;

const readAuthority = validator('stored CA', StoredAuthority);
const readHost = validator('stored endorsement key', HostRecord);
const readSettings = validator('stored settings', TpmSettings);
const readImage = validator('stored base image', BaseImage);

/** More pending TPMs than this are not kept: only genuine TPMs get here, so it is no place for a flood. */
const maxPending = 10_000;

/** The configuration of an Attestation Service, typed, over its store. */
export class AttestationConfiguration {
  readonly #store: ConfigStore;
  #policy: Omit<AttestationPolicy, 'group'> | undefined;

  constructor(store: ConfigStore) {
    this.#store = store;
  }

  /** The policy as it stands now; read again only after a change. */
  policy(group: Group): AttestationPolicy {
    this.#policy ??= {
      settings: this.settings(),
      authorities: this.authorities().map(([name, stored]) => authorityOf(name, stored)),
      images: this.images(),
      epoch: this.epoch(),
    };
    return { group, ...this.#policy };
  }

  settings(): TpmSettings {
    const stored = this.#store.get(collections.settings, 'settings');
    return stored === undefined ? defaultTpmSettings : readSettings(stored);
  }

  setSettings(settings: TpmSettings): void {
    this.#changed(() => this.#store.put(collections.settings, 'settings', settings));
  }

  /** Counts up whenever trust is taken away; tokens of an older epoch can be refused. */
  epoch(): number {
    return Number(this.#store.get(collections.settings, 'epoch') ?? 0);
  }

  authorities(): [string, StoredAuthority][] {
    return this.#store.list(collections.authorities).map(({ name, body }) => [name, readAuthority(body)]);
  }

  /** @throws {Problem} `object.exists`, `input.malformed` */
  addAuthority(name: string, authority: StoredAuthority): void {
    authorityOf(name, authority);
    this.#changed(() => this.#store.add(collections.authorities, name, authority));
  }

  /** @throws {Problem} `object.unknown` */
  deleteAuthority(name: string): void {
    this.#lessTrust(() => this.#store.delete(collections.authorities, name));
  }

  images(): BaseImage[] {
    return this.#store.list(collections.images).map(({ body }) => readImage(body));
  }

  /** @throws {Problem} `object.exists` */
  addImage(image: BaseImage): void {
    this.#changed(() => this.#store.add(collections.images, image.name, image));
  }

  /** @throws {Problem} `object.unknown` */
  deleteImage(name: string): void {
    this.#lessTrust(() => this.#store.delete(collections.images, name));
  }

  host(ek: string): HostRecord | undefined {
    const stored = this.#store.get(collections.hosts, ek);
    return stored === undefined ? undefined : readHost(stored);
  }

  hosts(): HostRecord[] {
    return this.#store.list(collections.hosts).map(({ body }) => readHost(body));
  }

  putHost(host: HostRecord): void {
    const change = () => this.#store.put(collections.hosts, host.ek, host);
    if (host.state === 'revoked') this.#lessTrust(change);
    else this.#changed(change);
    this.#store.deleteState('pending', host.ek);
  }

  /** @throws {Problem} `object.unknown` */
  deleteHost(ek: string): void {
    this.#lessTrust(() => this.#store.delete(collections.hosts, ek));
  }

  pending(): PendingHost[] {
    return this.#store.listState('pending').map(({ body }) => body as PendingHost);
  }

  addPending(host: PendingHost): boolean {
    if (this.#store.getState('pending', host.ek) !== undefined || this.pending().length >= maxPending) return false;
    this.#store.putState('pending', host.ek, host);
    return true;
  }

  /** Forgets what was read, after the store was written by other means (a whole configuration was taken over). */
  reload(): void {
    this.#policy = undefined;
  }

  #lessTrust(change: () => void): void {
    this.#changed(() => {
      change();
      this.#store.put(collections.settings, 'epoch', this.epoch() + 1);
    });
  }

  #changed(change: () => void): void {
    change();
    this.#policy = undefined;
  }
}

/** @throws {Problem} `input.malformed` when a certificate is none */
function authorityOf(name: string, { certs, virtual }: StoredAuthority): TpmAuthority {
  return { name, chain: certs.map((pem, i) => certificateOf(pem, `${name}: certs[${i}]`)), virtual };
}
