import { type Certificate, isSelfIssued, issuerText, readCertificate, subjectText } from '../x509/certificate.ts';
import { isIssuedBy, isSelfSigned } from '../x509/chain.ts';
import { type Links, linksOf } from '../x509/path.ts';
import { whyWeak } from '../x509/public-key-info.ts';
import { caName } from './ca-names.ts';

/** What is trusted already. */
export interface PresentCas {
  /** Roots by the name of their authority. */
  readonly roots: ReadonlyMap<string, Certificate>;
  /** Names that are taken, of whatever authority. */
  readonly names: readonly string[];
  /** Everything else that stands in a chain or is a known intermediate. */
  readonly others: readonly Certificate[];
}

/** How a bundle is taken. */
export interface BundleOptions {
  /** Pins a CA whose own issuer is not there, also when it issued nothing else of the bundle. */
  readonly anchor?: boolean;
  /** Pins no root: for certificates that were fetched. */
  readonly linksOnly?: boolean;
  /** Seconds since 1970. */
  readonly now: number;
}

export interface PlannedRoot {
  readonly name: string;
  readonly certificate: Certificate;
  /** It is pinned although another CA issued it, which is not here. */
  readonly issuer?: string;
}

export interface PlannedLink {
  readonly certificate: Certificate;
  /** Name of the authority under whose root it stands. */
  readonly root: string;
}

export interface Skipped {
  /** Whom it is for, or which one of the bundle it is when it cannot be read. */
  readonly subject: string;
  readonly why: string;
}

/** What an import does. */
export interface BundlePlan {
  readonly roots: readonly PlannedRoot[];
  readonly intermediates: readonly PlannedLink[];
  readonly skipped: readonly Skipped[];
}

/**
 * Sorts a bundle of certificates into roots and what stands under them. What is pinned says nothing of itself: a root is
 * a certificate that issued itself, or the head of a group whose issuer is nowhere, since makers publish those as roots
 * as well.
 */
export function planBundle(bundle: readonly Uint8Array[], present: PresentCas, options: BundleOptions): BundlePlan {
  const skipped: Skipped[] = [];
  const candidates = usable(bundle, present, options.now, skipped);
  const plan = new Plan(present, candidates);
  for (const each of candidates.filter(isSelfSigned)) {
    if (options.linksOnly) skipped.push({ subject: subjectText(each), why: 'it is a root: import it from a file' });
    else plan.pin(each);
  }
  plan.follow();
  for (const each of options.linksOnly ? [] : plan.heads(options.anchor ?? false)) plan.pin(each, issuerText(each));
  plan.follow();
  for (const each of plan.left) skipped.push({ subject: subjectText(each), why: whyLeft(each) });
  return { roots: plan.roots, intermediates: plan.intermediates, skipped };
}

const whyLeft = (certificate: Certificate): string =>
  `its issuer is neither in the bundle nor imported: ${issuerText(certificate)}`;

class Plan {
  readonly roots: PlannedRoot[] = [];
  readonly intermediates: PlannedLink[] = [];
  readonly #names: Set<string>;
  /** Accepted certificates, each with the authority it belongs to. */
  readonly #owner = new Map<string, string>();
  readonly #issuers: Links;
  #left: readonly Certificate[];

  constructor(present: PresentCas, candidates: readonly Certificate[]) {
    this.#names = new Set(present.names);
    this.#left = candidates;
    const known = [...present.roots.values(), ...present.others];
    this.#issuers = linksOf([...known, ...candidates]);
    for (const [name, root] of present.roots) this.#owner.set(root.fingerprint, name);
    this.#own(present.others, () => undefined);
  }

  get left(): readonly Certificate[] {
    return this.#left.filter((each) => !this.#owner.has(each.fingerprint));
  }

  pin(certificate: Certificate, issuer?: string): void {
    const name = caName(certificate, this.#names);
    this.#names.add(name);
    this.#owner.set(certificate.fingerprint, name);
    this.roots.push({ name, certificate, ...(issuer === undefined ? {} : { issuer }) });
  }

  /** Takes all that stands under something that was taken. */
  follow(): void {
    this.#own(this.left, (certificate, root) => this.intermediates.push({ certificate, root }));
  }

  /** CAs whose issuer is nowhere and that issued others, or all of them. */
  heads(all: boolean): Certificate[] {
    const left = this.left;
    return left.filter(
      (each) =>
        !left.some((other) => other !== each && isIssuedBy(each, other)) &&
        (all || left.some((other) => other !== each && isIssuedBy(other, each))),
    );
  }

  #own(certificates: readonly Certificate[], taken: (certificate: Certificate, root: string) => void): void {
    let rest = certificates;
    for (;;) {
      const next = rest.filter((certificate) => {
        const issuers = this.#issuers.get(certificate.issuer.id) ?? [];
        const issuer = issuers.find((each) => this.#owner.has(each.fingerprint) && isIssuedBy(certificate, each));
        const root = issuer === undefined ? undefined : this.#owner.get(issuer.fingerprint);
        if (root === undefined) return true;
        this.#owner.set(certificate.fingerprint, root);
        taken(certificate, root);
        return false;
      });
      if (next.length === rest.length) return;
      rest = next;
    }
  }
}

/** The certificates that can be taken; the others are told. */
function usable(
  bundle: readonly Uint8Array[],
  present: PresentCas,
  now: number,
  skipped: Skipped[],
): readonly Certificate[] {
  const seen = new Set([...present.roots.values(), ...present.others].map(({ fingerprint }) => fingerprint));
  const before = new Set(seen);
  return bundle.flatMap((bytes, i) => {
    const certificate = read(bytes);
    if (typeof certificate === 'string') {
      skipped.push({ subject: `certificate ${i + 1}`, why: certificate });
      return [];
    }
    const { fingerprint } = certificate;
    const twice = before.has(fingerprint) ? 'it is imported already' : 'it stands in the bundle twice';
    const why = seen.has(fingerprint) ? twice : whyUnusable(certificate, now);
    seen.add(fingerprint);
    if (why === undefined) return [certificate];
    skipped.push({ subject: subjectText(certificate), why });
    return [];
  });
}

function read(bytes: Uint8Array): Certificate | string {
  try {
    return readCertificate(bytes);
  } catch (error) {
    return `it cannot be read: ${(error as Error).message}`;
  }
}

function whyUnusable(certificate: Certificate, now: number): string | undefined {
  const { basicConstraints } = certificate.extensions;
  const { key } = certificate.publicKey;
  if (basicConstraints?.ca !== true) return 'it is no CA; a single TPM is listed as endorsement key';
  if (certificate.notAfter < now)
    return `it expired on ${new Date(certificate.notAfter * 1000).toISOString().slice(0, 10)}`;
  if (key === undefined) return 'its key cannot be read';
  if (isSelfIssued(certificate) && isSelfSigned(certificate) === false && !hasOtherKey(certificate))
    return 'it is damaged: its own signature does not hold';
  return whyWeak(key);
}

/** A CA that renewed its own name under another key names that key. */
function hasOtherKey({ extensions }: Certificate): boolean {
  const { authorityKeyIdentifier: issuer, subjectKeyIdentifier: own } = extensions;
  return issuer !== undefined && own !== undefined && Buffer.compare(issuer, own) !== 0;
}
