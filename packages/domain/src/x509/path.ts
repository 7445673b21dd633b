import { type Certificate, issuerText, signedByKeyOf, subjectText } from './certificate.ts';
import { type PathRule, pathRules, unsupportedCritical } from './path-rules.ts';

/** Longest path in certificates above the leaf. */
export const maxPath = 8;
/** Signatures that are checked for one leaf at most, and candidates that are looked at. */
const [maxSignatures, maxSteps] = [64, 2000];

/** Certificates by the name of their subject, in the order of preference. */
export type Links = ReadonlyMap<string, readonly Certificate[]>;

/** Indexes certificates by subject; each once. */
export function linksOf(certificates: Iterable<Certificate>): Links {
  const links = new Map<string, Certificate[]>();
  const seen = new Set<string>();
  for (const certificate of certificates) {
    if (seen.has(certificate.fingerprint)) continue;
    seen.add(certificate.fingerprint);
    const same = links.get(certificate.subject.id);
    if (same === undefined) links.set(certificate.subject.id, [certificate]);
    else same.push(certificate);
  }
  return links;
}

/** From the leaf to a pinned root, both included. */
export type CertificatePath = readonly Certificate[];

/** Why there is no path. */
export interface PathFault {
  /** `unknown`: no issuer is known; `work`: too many certificates; otherwise what stands against the path that was looked at last; `revoked` and `unchecked` by lists. */
  readonly kind: 'unknown' | 'issuer' | 'work' | 'revoked' | 'unchecked';
  readonly why: string;
}

/** What a path is searched for, and in. */
export interface PathSearch {
  readonly leaf: Certificate;
  /** Fingerprints of the pinned roots: where a path may end. */
  readonly roots: ReadonlySet<string>;
  /** Where issuers are looked for, the most believed first. None of them is trusted for being here. */
  readonly links: readonly Links[];
  /** What authorities must be allowed to certify keys for, when they state purposes (RFC 5280, 4.2.1.12). */
  readonly purpose: string;
  /** Seconds since 1970. */
  readonly now: number;
  /** What every authority of a path must obey; all the rules there are when left out. */
  readonly rules?: readonly PathRule[];
  /** A last look at a whole path: why it is refused. */
  readonly refused?: (path: CertificatePath) => PathFault | undefined;
}

/**
 * Finds a path to a pinned root whose certificates may stand in it (RFC 5280, 6.1). Whether the leaf itself is still
 * valid and for the right purpose is left to the caller: TPMs outlive their certificates. A search ends after a fixed
 * amount of work, however the certificates refer to one another.
 */
export function findPath(search: PathSearch): CertificatePath | PathFault {
  const critical = unsupportedCritical(search.leaf);
  if (critical !== undefined)
    return { kind: 'issuer', why: `the certificate has the critical extension ${critical}, which is not supported` };
  const walk = new Walk(search);
  return walk.up([search.leaf]) ?? walk.fault;
}

class Walk {
  readonly #search: PathSearch;
  #signatures = maxSignatures;
  #steps = maxSteps;
  fault: PathFault;

  constructor(search: PathSearch) {
    this.#search = search;
    this.fault = { kind: 'unknown', why: `no imported CA issued it (issuer ${issuerText(search.leaf)})` };
  }

  up(path: CertificatePath): CertificatePath | undefined {
    const top = path.at(-1);
    if (top === undefined || path.length > maxPath) return undefined;
    for (const issuer of this.#candidates(top)) {
      if (this.#steps-- <= 0) return this.#tooMuch();
      if (path.some(({ fingerprint }) => fingerprint === issuer.fingerprint)) continue;
      const signed = this.#signed(top, issuer);
      if (signed === undefined) return this.#tooMuch();
      if (!signed) continue;
      const found = this.#through([...path, issuer], issuer);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #through(path: CertificatePath, issuer: Certificate): CertificatePath | undefined {
    const fault = this.#broken(path, issuer);
    if (fault !== undefined) return this.#note({ kind: 'issuer', why: fault });
    if (!this.#search.roots.has(issuer.fingerprint)) return this.up(path);
    const refused = this.#search.refused?.(path);
    return refused === undefined ? path : this.#note(refused);
  }

  /** Issuers by name; a key identifier and the time only say whom to ask first. */
  *#candidates(certificate: Certificate): Generator<Certificate> {
    for (const links of this.#search.links) {
      const named = links.get(certificate.issuer.id) ?? [];
      const likely = new Set(named.filter((each) => isLikely(certificate, each, this.#search.now)));
      yield* likely;
      yield* named.filter((each) => !likely.has(each));
    }
  }

  /** Whether it was signed by this issuer; undefined when no more signatures are checked. */
  #signed(certificate: Certificate, issuer: Certificate): boolean | undefined {
    const known = checked.get(certificate)?.get(issuer);
    if (known !== undefined) return known;
    if (this.#signatures-- <= 0) return undefined;
    const signed = signedByKeyOf(certificate, issuer);
    const by = checked.get(certificate) ?? new WeakMap();
    checked.set(certificate, by.set(issuer, signed));
    return signed;
  }

  #broken(path: CertificatePath, issuer: Certificate): string | undefined {
    const { rules = pathRules, roots, purpose, now } = this.#search;
    const place = { issuer, below: path.slice(0, -1), root: roots.has(issuer.fingerprint), purpose, now };
    for (const { whyNot } of rules) {
      const why = whyNot(place);
      if (why !== undefined) return `its issuer ${subjectText(issuer)} ${why}`;
    }
    return undefined;
  }

  #note(fault: PathFault): undefined {
    this.fault = fault;
  }

  #tooMuch(): undefined {
    this.fault = { kind: 'work', why: 'its certificates refer to one another in too many ways' };
    this.#steps = 0;
  }
}

/** Signatures that were checked. Certificates that are pinned live as long as the policy, and are checked once. */
const checked = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

function isLikely({ extensions }: Certificate, issuer: Certificate, now: number): boolean {
  const { authorityKeyIdentifier: wanted } = extensions;
  const { subjectKeyIdentifier: own } = issuer.extensions;
  const same = wanted === undefined || own === undefined || Buffer.compare(wanted, own) === 0;
  return same && issuer.notBefore <= now && now <= issuer.notAfter;
}
