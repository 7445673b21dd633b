import {
  allRules,
  type BootRules,
  BootRulesSchema,
  checkedRules,
  defaultBootRules,
} from '@vouchsafe/domain/attestation/boot-rules';
import { defaultEvidenceSettings, EvidenceSettings } from '@vouchsafe/domain/attestation/bundle/evidence-settings';
import { Composition } from '@vouchsafe/domain/attestation/composition';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { imaPolicyOf } from '@vouchsafe/domain/attestation/ima-policy';
import { type ImageRecord, readImageRecord } from '@vouchsafe/domain/attestation/image-record';
import { ImageSettings, ImageSigner, signerKey } from '@vouchsafe/domain/attestation/image-signature';
import { defaultMinimums, Minimums } from '@vouchsafe/domain/attestation/minimums';
import { type AttestationPolicy, defaultTpmSettings, TpmSettings } from '@vouchsafe/domain/attestation/policy';
import type { PolicyDocument } from '@vouchsafe/domain/attestation/policy-digest';
import type { Group } from '@vouchsafe/domain/group/group';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';
import { type Collections, checkDocuments, sameName } from '../management/collections.ts';
import type { Replacement } from '../management/raw-config.ts';
import { checkFirmwareBlock, FirmwareBlocklist, firmwareBlocks } from './firmware-blocklist.ts';
import { checkImaList, checkImaSettings, ImaConfiguration, imaCollections } from './ima-configuration.ts';
import { HostRegistry, hostRows, readHost } from './registry/host-registry.ts';
import type { PendingHost } from './registry/pending-host.ts';
import type { StoredAuthority } from './trust/stored.ts';
import { TrustStore, trustCollections, trustDocuments } from './trust/trust-store.ts';
import type { ToldTrust } from './trust-reports.ts';

const collections = {
  ...trustCollections,
  hosts: hostRows,
  settings: 'tpm2/settings',
  images: 'base-images',
  rules: 'boot-rules',
  compositions: 'compositions',
  minimums: 'minimums',
  signers: 'image-signers',
  imageSettings: 'image-settings',
  evidence: 'evidence',
  ...imaCollections,
  firmware: firmwareBlocks,
} as const;

/** Collections that no verdict depends on as a whole: of the registry it is one row. */
const noPolicy: readonly string[] = [collections.hosts, collections.evidence];

/** Settings of an older version lack what is newer: that stands at its default. */
const readSettings = validator('stored settings', Type.Partial(TpmSettings, { additionalProperties: false }));
const readComposition = validator('stored composition', Composition);
const readSigner = validator('stored image signer', ImageSigner);
const readImageSettings = validator('stored image settings', ImageSettings);
const readMinimums = validator('stored minimums', Minimums);
const readRules = validator('stored boot rules', BootRulesSchema);

const readEvidence = validator('stored evidence settings', EvidenceSettings);
const readEpoch = validator('epoch', Type.Integer({ minimum: 0 }));

/** What may stand in a configuration that is taken over. */
const documents: Collections = {
  ...trustDocuments,
  [collections.hosts]: (name, body) => sameName(name, readHost(body).ek),
  [collections.images]: (name, body) => sameName(name, readImageRecord(body).image.name),
  [collections.compositions]: (name, body) => sameName(name, readComposition(body).name),
  [collections.signers]: (name, body) => {
    const { name: own, key } = readSigner(body);
    sameName(name, own);
    signerKey(own, key);
  },
  [collections.imageSettings]: (name, body) => {
    sameName(name, 'settings');
    readImageSettings(body);
  },
  [collections.minimums]: (name, body) => {
    sameName(name, 'minimums');
    readMinimums(body);
  },
  [collections.rules]: (name, body) => {
    sameName(name, 'rules');
    checkedRules(readRules(body));
  },
  [collections.evidence]: (name, body) => {
    sameName(name, 'settings');
    readEvidence(body);
  },
  [collections.firmware]: checkFirmwareBlock,
  [collections.imaLists]: checkImaList,
  [collections.imaSettings]: checkImaSettings,
  [collections.settings]: (name, body) => void (name === 'epoch' ? readEpoch(body) : readSettings(body)),
};

/** What tokens stand on: documents as text by name, settings, and the hosts that are approved, with their scopes. */
interface Trusted {
  readonly documents: ReadonlyMap<string, string>;
  readonly settings: TpmSettings;
  readonly hosts: ReadonlyMap<string, string>;
}

/** The configuration of an Attestation Service, typed, over its store. */
export class AttestationConfiguration {
  readonly #store: ConfigStore;
  readonly #told: ToldTrust;
  readonly registry: HostRegistry;
  readonly ima: ImaConfiguration;
  readonly blocklist: FirmwareBlocklist;
  readonly trust: TrustStore;
  #policy: Omit<AttestationPolicy, 'group'> | undefined;

  /**
   * @param told takes in what a change means for tokens that exist, inside the transaction of the change: what it
   * writes to the store stands with the change, or neither does
   * @param isDenied whether a member of the group has denied a subject
   */
  constructor(store: ConfigStore, told: ToldTrust = () => undefined, isDenied: (sub: string) => boolean = () => false) {
    this.#store = store;
    this.#told = told;
    const changes = {
      changed: (change: () => void) => this.#changed(change),
      lessTrust: (change: () => void) => this.#lessTrust(change),
    };
    this.trust = new TrustStore(store, changes);
    this.ima = new ImaConfiguration(store, changes);
    this.blocklist = new FirmwareBlocklist(store, changes);
    this.registry = new HostRegistry(store, {
      lessTrust: (change) => this.#counted(change),
      onRevoked: (sub) => told({ deny: sub }),
      onApproved: (sub) => told({ lift: sub }),
      isDenied,
    });
  }

  /** Several writes to the store, or none at all, with one sync of the disk: all of them stand, or none. */
  together<T>(writes: () => T): T {
    return this.#store.togetherIfAny(writes);
  }

  /** The policy as it stands now; read again only after a change. */
  policy(group: Group): AttestationPolicy {
    this.#policy ??= {
      settings: this.settings(),
      trust: this.trust.trust(),
      images: this.images(),
      compositions: this.compositions(),
      minimums: this.minimums(),
      rules: this.rules(),
      ima: imaPolicyOf(this.ima.settings(), this.ima.allowLists()),
      blocklist: this.blocklist.entries(),
      epoch: this.epoch(),
      documents: this.#documents(),
    };
    return { group, ...this.#policy };
  }

  /**
   * The documents that verdicts depend on. What nobody set is among them with its value, since defaults may change with
   * the program's version.
   */
  #documents(): PolicyDocument[] {
    const effective: PolicyDocument[] = [
      { collection: collections.settings, name: 'settings', body: this.settings() },
      { collection: collections.rules, name: 'rules', body: allRules(this.rules()) },
      { collection: collections.minimums, name: 'minimums', body: this.minimums() },
    ];
    const names = new Set(effective.map(({ collection, name }) => `${collection}/${name}`));
    const stored = Object.values(collections)
      .filter((collection) => !noPolicy.includes(collection))
      .flatMap((collection) => this.#store.list(collection))
      .filter(({ collection, name }) => !names.has(`${collection}/${name}`));
    return [...stored, ...effective];
  }

  evidence(): EvidenceSettings {
    const stored = this.#store.get(collections.evidence, 'settings');
    return stored === undefined ? defaultEvidenceSettings : readEvidence(stored);
  }

  setEvidence(settings: EvidenceSettings): void {
    this.#changed(() => this.#store.put(collections.evidence, 'settings', settings));
  }

  settings(): TpmSettings {
    const stored = this.#store.get(collections.settings, 'settings');
    return { ...defaultTpmSettings, ...(stored === undefined ? {} : readSettings(stored)) };
  }

  rules(): BootRules {
    const stored = this.#store.get(collections.rules, 'rules');
    return stored === undefined ? defaultBootRules : readRules(stored);
  }

  /** A rule can only take trust away, or give back what another took. @throws {Problem} `input.invalid` */
  setRules(rules: BootRules): void {
    this.#lessTrust(() => this.#store.put(collections.rules, 'rules', checkedRules(readRules(rules))));
  }

  setSettings(settings: TpmSettings): void {
    const change = () => this.#store.put(collections.settings, 'settings', settings);
    if (asksMore(this.settings(), settings)) this.#lessTrust(change);
    else this.#changed(change);
  }

  /** Counts up whenever trust is taken away; tokens of an older epoch can be refused. */
  epoch(): number {
    return Number(this.#store.get(collections.settings, 'epoch') ?? 0);
  }

  /** @throws {Problem} `object.exists`, `input.malformed`, `input.invalid` */
  addAuthority(name: string, authority: Pick<StoredAuthority, 'certs' | 'virtual'>): void {
    this.trust.addAuthority(name, authority);
  }

  /** @throws {Problem} `object.unknown` */
  deleteAuthority(name: string): void {
    this.trust.deleteAuthority(name);
  }

  images(): ImageRecord[] {
    return this.#store.list(collections.images).map(({ body }) => readImageRecord(body));
  }

  /** @throws {Problem} `object.unknown` */
  image(name: string): ImageRecord {
    const stored = this.#store.get(collections.images, name);
    if (stored === undefined) throw new Problem('object.unknown', `base image ${name}`);
    return readImageRecord(stored);
  }

  /** @throws {Problem} `object.exists` */
  addImage(record: ImageRecord): void {
    this.#changed(() => this.#store.add(collections.images, record.image.name, record));
  }

  /** Writes a record anew. One that stops counting takes trust away. */
  putImage(record: ImageRecord): void {
    const change = () => this.#store.put(collections.images, record.image.name, record);
    if (record.state === 'active') this.#changed(change);
    else this.#lessTrust(change);
  }

  /** @throws {Problem} `object.unknown` */
  deleteImage(name: string): void {
    this.#lessTrust(() => this.#store.delete(collections.images, name));
  }

  compositions(): Composition[] {
    return this.#store.list(collections.compositions).map(({ body }) => readComposition(body));
  }

  /** @throws {Problem} `object.exists` */
  addComposition(composition: Composition): void {
    this.#changed(() => this.#store.add(collections.compositions, composition.name, composition));
  }

  /** @throws {Problem} `object.unknown` */
  deleteComposition(name: string): void {
    this.#lessTrust(() => this.#store.delete(collections.compositions, name));
  }

  signers(): ImageSigner[] {
    return this.#store.list(collections.signers).map(({ body }) => readSigner(body));
  }

  /** @throws {Problem} `object.exists`, `input.invalid`, `input.malformed` */
  addSigner(signer: ImageSigner): void {
    signerKey(signer.name, signer.key);
    this.#changed(() => {
      this.#store.add(collections.signers, signer.name, signer);
      // Said once, so that striking off the last signer does not switch signatures off.
      if (this.#store.get(collections.imageSettings, 'settings') === undefined)
        this.#store.put(collections.imageSettings, 'settings', { image_signature: 'required' });
    });
  }

  /** Images that it signed stay as they are. @throws {Problem} `object.unknown` */
  deleteSigner(name: string): void {
    this.#changed(() => this.#store.delete(collections.signers, name));
  }

  /** Whether images need the signature of a listed signer: as set, else as soon as one is listed. */
  imageSignature(): 'off' | 'required' {
    const stored = this.#store.get(collections.imageSettings, 'settings');
    const set = stored === undefined ? undefined : readImageSettings(stored).image_signature;
    return set ?? (this.signers().length > 0 ? 'required' : 'off');
  }

  /** @throws {Problem} `input.invalid` */
  setImageSettings(settings: ImageSettings): void {
    this.#changed(() => this.#store.put(collections.imageSettings, 'settings', readImageSettings(settings)));
  }

  minimums(): Minimums {
    const stored = this.#store.get(collections.minimums, 'minimums');
    return stored === undefined ? defaultMinimums : readMinimums(stored);
  }

  /** A minimum can take trust away from images that are active. @throws {Problem} `input.invalid` */
  setMinimums(minimums: Minimums): void {
    this.#lessTrust(() => this.#store.put(collections.minimums, 'minimums', readMinimums(minimums)));
  }

  host(ek: string): HostRecord | undefined {
    return this.registry.row(ek);
  }

  hosts(): HostRecord[] {
    return this.registry.rows();
  }

  putHost(host: HostRecord): void {
    this.registry.put(host);
  }

  /** @throws {Problem} `object.unknown` */
  deleteHost(ek: string): void {
    this.registry.delete(ek);
  }

  pending(): PendingHost[] {
    return this.registry.pending();
  }

  addPending(host: PendingHost): boolean {
    return this.registry.addPending(host);
  }

  /**
   * Takes over a whole configuration. The epoch never goes back, whatever it says.
   * @throws {Problem} `object.in-use` when it is not newer, `input.invalid`, `input.malformed` naming the document
   */
  takeOver(replacement: Replacement): void {
    checkDocuments(replacement, documents);
    const [epoch, before] = [this.epoch(), this.#trusted()];
    this.trust.forget();
    this.#changed(() =>
      this.#store.together(() => {
        this.#store.replace(replacement);
        this.ima.tookOver();
        if (this.epoch() < epoch) throw new Problem('input.invalid', `epoch: expected ${epoch} or later`);
        this.registry.tookOver(before.hosts);
        if (lessThan(before, this.#trusted())) this.#told({ raise: true });
      }),
    );
  }

  #trusted(): Trusted {
    const { hosts: _hosts, settings: _settings, ...others } = collections;
    const documents = Object.values(others).flatMap((collection) =>
      this.#store.list(collection).map(({ name, body }) => [`${collection}/${name}`, JSON.stringify(body)] as const),
    );
    return { documents: new Map(documents), settings: this.settings(), hosts: this.registry.approved() };
  }

  /** Takes trust from images, CAs, rules or settings: no token from before counts any more. */
  #lessTrust(change: () => void): void {
    this.#counted(() => {
      change();
      this.#told({ raise: true });
    });
  }

  #counted(change: () => void): void {
    this.#changed(() =>
      this.#store.together(() => {
        change();
        this.#store.put(collections.settings, 'epoch', this.epoch() + 1);
      }),
    );
  }

  #changed(change: () => void): void {
    this.#policy = undefined;
    change();
  }
}
/** Whether a configuration may refuse what another accepts, apart from single hosts. */
const lessThan = (before: Trusted, after: Trusted): boolean =>
  asksMore(before.settings, after.settings) ||
  [...before.documents].some(([name, body]) => after.documents.get(name) !== body);

/** Whether settings refuse hosts that others let pass. */
function asksMore(before: TpmSettings, after: TpmSettings): boolean {
  const asked = ['require_certificate_validation', 'require_endorsement_keys'] as const;
  return (
    asked.some((name) => after[name] && !before[name]) ||
    (before.enrolment === 'auto' && after.enrolment === 'approve') ||
    strictness.crl.indexOf(after.crl) > strictness.crl.indexOf(before.crl) ||
    strictness.expired.indexOf(after.expired_certificates) > strictness.expired.indexOf(before.expired_certificates) ||
    (before.allow_unidentified && !after.allow_unidentified) ||
    before.virtual_tpm_scopes.some((scope) => !after.virtual_tpm_scopes.includes(scope))
  );
}

/** Values of settings, the one that refuses least first. */
const strictness = {
  crl: ['off', 'if-present', 'required'],
  expired: ['accept', 'if-listed', 'refuse'],
} as const satisfies { crl: readonly TpmSettings['crl'][]; expired: readonly TpmSettings['expired_certificates'][] };
