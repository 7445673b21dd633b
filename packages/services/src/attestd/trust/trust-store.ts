import { createHash } from 'node:crypto';
import {
  type BundleOptions,
  type BundlePlan,
  type PresentCas,
  planBundle,
} from '@vouchsafe/domain/attestation/ca-bundle';
import type { TpmAuthority, TpmTrust } from '@vouchsafe/domain/attestation/tpm-trust';
import { Problem } from '@vouchsafe/domain/problem';
import type { Certificate } from '@vouchsafe/domain/x509/certificate';
import { isIssuedBy, isSelfSigned } from '@vouchsafe/domain/x509/chain';
import { type Crl, isLater, whyNotCrlOf } from '@vouchsafe/domain/x509/crl';
import { certificatePem } from '@vouchsafe/domain/x509/pem-blocks';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import { sameName } from '../../management/collections.ts';
import {
  authorityOf,
  certificateIn,
  crlIn,
  readAuthority,
  readIntermediate,
  readStoredCrl,
  type StoredAuthority,
} from './stored.ts';

/** Collections of TPM trust. */
export const trustCollections = {
  authorities: 'tpm2/ca-certificates',
  intermediates: 'tpm2/intermediates',
  crls: 'tpm2/crls',
} as const;

/** What may stand in those collections. */
export const trustDocuments = {
  [trustCollections.authorities]: (name: string, body: unknown) => void authorityOf(name, readAuthority(body)),
  [trustCollections.intermediates]: (name: string, body: unknown) =>
    sameName(name, certificateIn(readIntermediate(body).certificate, 'certificate').fingerprint),
  [trustCollections.crls]: (name: string, body: unknown) =>
    sameName(name, crlName(crlIn(readStoredCrl(body).crl, 'crl'))),
};

/** What TPM trust asks of the configuration that it is a part of. */
export interface TrustSeams {
  changed(change: () => void): void;
  /** Makes a change that takes trust away: the epoch counts up with it. */
  lessTrust(change: () => void): void;
}

/** A revocation list that is loaded. */
export interface LoadedCrl {
  readonly name: string;
  readonly crl: Crl;
  /** ISO 8601. */
  readonly added: string;
}

/**
 * Which TPMs are believed, over its documents. There may be hundreds of certificates and long lists, so what was read is
 * kept until one of them changes.
 */
export class TrustStore {
  readonly #store: ConfigStore;
  readonly #seams: TrustSeams;
  #trust: TpmTrust | undefined;
  #crls: readonly LoadedCrl[] | undefined;

  constructor(store: ConfigStore, seams: TrustSeams) {
    this.#store = store;
    this.#seams = seams;
  }

  /** The trust as it stands now; the same object until a document of it changes. */
  trust(): TpmTrust {
    this.#trust ??= {
      authorities: this.authorities(),
      intermediates: this.#intermediates(),
      crls: this.crls().map(({ crl }) => crl),
    };
    return this.#trust;
  }

  /** Forgets what was read: the documents were written by somebody else. */
  forget(): void {
    this.#trust = undefined;
    this.#crls = undefined;
  }

  /** All authorities, read. */
  authorities(): TpmAuthority[] {
    return this.#store
      .list(trustCollections.authorities)
      .map(({ name, body }) => authorityOf(name, readAuthority(body)));
  }

  /** @throws {Problem} `object.unknown` */
  authority(name: string): TpmAuthority {
    const body = this.#store.get(trustCollections.authorities, name);
    if (body === undefined) throw new Problem('object.unknown', `CA ${name}`);
    return authorityOf(name, readAuthority(body));
  }

  /**
   * Trusts an authority. A chain that begins under a CA that is pinned already is no root of its own.
   * @throws {Problem} `object.exists`, `input.malformed`, `input.invalid` naming the certificate
   */
  addAuthority(name: string, wanted: Pick<StoredAuthority, 'certs' | 'virtual'>): TpmAuthority {
    refuseLeaf(wanted.certs);
    const { chain, virtual } = authorityOf(name, { certs: wanted.certs, virtual: wanted.virtual });
    const [top] = chain;
    const under = top !== undefined && !isSelfSigned(top) && this.#pinned().some((each) => isIssuedBy(top, each));
    const certs = chain.map(({ raw }) => certificatePem(raw));
    const stored: StoredAuthority = { certs, virtual, ...(under ? { under } : {}) };
    this.#changed(() => this.#store.add(trustCollections.authorities, name, stored));
    return authorityOf(name, stored);
  }

  /** @throws {Problem} `object.unknown` */
  deleteAuthority(name: string): void {
    this.#lessTrust(() => this.#store.delete(trustCollections.authorities, name));
  }

  intermediates(): readonly Certificate[] {
    return this.trust().intermediates;
  }

  /** @throws {Problem} `object.unknown` */
  deleteIntermediate(fingerprint: string): void {
    this.#lessTrust(() => this.#store.delete(trustCollections.intermediates, fingerprint));
  }

  /** What an import of these certificates would do. */
  plan(bundle: readonly Uint8Array[], options: BundleOptions): BundlePlan {
    return planBundle(bundle, this.#present(), options);
  }

  /** Does what was planned, all or nothing. */
  import({ roots, intermediates }: BundlePlan, virtual: boolean): void {
    this.#changed(() =>
      this.#store.together(() => {
        for (const { name, certificate } of roots)
          this.#store.add(trustCollections.authorities, name, { certs: [certificatePem(certificate.raw)], virtual });
        for (const { certificate } of intermediates)
          this.#store.put(trustCollections.intermediates, certificate.fingerprint, {
            certificate: certificatePem(certificate.raw),
          });
      }),
    );
  }

  crls(): readonly LoadedCrl[] {
    this.#crls ??= this.#store.list(trustCollections.crls).map(({ name, body }) => {
      const { crl, added } = readStoredCrl(body);
      return { name, crl: crlIn(crl, name), added };
    });
    return this.#crls;
  }

  /**
   * Loads a revocation list in the place of the one of the same issuer before it.
   * @returns the list, and the CA whose key signed it; undefined when no such CA is known here yet
   * @throws {Problem} `input.malformed`, `input.invalid` when it is not its issuer's or older than the one that is here
   */
  addCrl(base64: string, added: string): LoadedCrl & { readonly issuer: Certificate | undefined } {
    const crl = crlIn(base64, 'crl');
    const issuer = this.#issuerOf(crl);
    const name = crlName(crl);
    const before = this.crls().find((each) => each.name === name)?.crl;
    if (before !== undefined && isLater(before, crl))
      throw new Problem('input.invalid', `crl: an older list than the one that is loaded (${describe(before)})`);
    const change = () =>
      this.#store.put(trustCollections.crls, name, { crl: Buffer.from(crl.raw).toString('base64'), added });
    const more = [...crl.revoked.keys()].some((serial) => before?.revoked.has(serial) !== true);
    if (more) this.#lessTrust(change);
    else this.#changed(change);
    return { name, crl, added, issuer };
  }

  /** @throws {Problem} `object.unknown` */
  deleteCrl(name: string): void {
    this.#changed(() => this.#store.delete(trustCollections.crls, name));
  }

  /** A list that claims a CA we know must be by that CA; others are looked at when a host shows their issuer. */
  #issuerOf(crl: Crl): Certificate | undefined {
    const named = this.#known().filter(({ subject }) => subject.id === crl.issuer.id);
    const issuer = named.find((each) => whyNotCrlOf(crl, each) === undefined);
    const [first] = named;
    if (issuer === undefined && first !== undefined)
      throw new Problem('input.invalid', `crl: ${whyNotCrlOf(crl, first)}`);
    return issuer;
  }

  #intermediates(): Certificate[] {
    return this.#store
      .list(trustCollections.intermediates)
      .map(({ name, body }) => certificateIn(readIntermediate(body).certificate, name));
  }

  #pinned(): Certificate[] {
    return this.authorities().flatMap(({ chain }) => chain);
  }

  #known(): Certificate[] {
    const { authorities, intermediates } = this.trust();
    return [...authorities.flatMap(({ chain }) => chain), ...intermediates];
  }

  #present(): PresentCas {
    const { authorities, intermediates } = this.trust();
    const roots = new Map<string, Certificate>();
    const others = [...intermediates];
    for (const { name, chain, under } of authorities) {
      const [top, ...rest] = chain;
      if (top !== undefined && under !== true) roots.set(name, top);
      else if (top !== undefined) others.push(top);
      others.push(...rest);
    }
    return { roots, others, names: authorities.map(({ name }) => name) };
  }

  #changed(change: () => void): void {
    this.forget();
    this.#seams.changed(change);
  }

  #lessTrust(change: () => void): void {
    this.forget();
    this.#seams.lessTrust(change);
  }
}

/** One list for each issuer, key and scope: later ones take its place. */
function crlName({ issuer, scope, authorityKey }: Crl): string {
  const key = authorityKey === undefined ? null : Buffer.from(authorityKey).toString('hex');
  return createHash('sha256')
    .update(JSON.stringify([issuer.id, key, scope]))
    .digest('hex');
}

const describe = ({ number, thisUpdate }: Crl): string =>
  `${number === undefined ? '' : `number ${number}, `}of ${new Date(thisUpdate * 1000).toISOString()}`;

/** A leaf in the chain would look like trust in one TPM and be trust in none. */
function refuseLeaf(certs: readonly string[]): void {
  for (const [i, pem] of certs.entries()) {
    const { extensions } = certificateIn(pem, `cert_chain.certs[${i}]`);
    if (extensions.basicConstraints?.ca === true) continue;
    throw new Problem(
      'input.invalid',
      `cert_chain.certs[${i}]: expected a CA certificate; list a single TPM as endorsement key`,
    );
  }
}
