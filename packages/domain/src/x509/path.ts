import { type Certificate, isSelfIssued, issuerText, signedByKeyOf, subjectText } from './certificate.ts';
import { extensionIds, keyUsageBits } from './extensions.ts';
import { namesRefused } from './name-constraints.ts';
import { whyWeak } from './public-key-info.ts';

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
    const fault = issuerFault(path, this.#search);
    if (fault !== undefined) return this.#note({ kind: 'issuer', why: fault });
    if (!this.#search.roots.has(issuer.fingerprint)) return this.up(path);
    const refused = this.#search.refused?.(path);
    return refused === undefined ? path : this.#note(refused);
  }

  /** Issuers by name; a key identifier and the time only say whom to ask first. */
  *#candidates(certificate: Certificate): Generator<Certificate> {
    for (const links of this.#search.links) {
      const named = links.get(certificate.issuer.id) ?? [];
      const likely = named.filter((each) => isLikely(certificate, each, this.#search.now));
      yield* likely;
      if (likely.length < named.length) yield* named.filter((each) => !likely.includes(each));
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

/** Extensions that are understood, or that constrain nothing that is done here. */
const supported: ReadonlySet<string> = new Set([
  extensionIds.basicConstraints,
  extensionIds.keyUsage,
  extensionIds.extendedKeyUsage,
  extensionIds.subjectAltName,
  extensionIds.nameConstraints,
  // No policy is asked for, so any will do (RFC 5280, 6.1.1, d).
  extensionIds.certificatePolicies,
  extensionIds.subjectKeyIdentifier,
  extensionIds.authorityKeyIdentifier,
  extensionIds.crlDistributionPoints,
  extensionIds.authorityInfoAccess,
]);

/** The first critical extension that is not understood (RFC 5280, 4.2). */
const unsupportedCritical = ({ extensions }: Certificate): string | undefined =>
  [...extensions.raw].find(([id, { critical }]) => critical && !supported.has(id))?.[0];

const anyPurpose = '2.5.29.37.0';

/** What stands against the last certificate of a path as authority over those before it. */
function issuerFault(path: CertificatePath, { purpose, now, roots }: PathSearch): string | undefined {
  const issuer = path.at(-1);
  if (issuer === undefined) return undefined;
  const name = subjectText(issuer);
  const { basicConstraints, keyUsage, extendedKeyUsage } = issuer.extensions;
  const critical = unsupportedCritical(issuer);
  const weak = issuer.publicKey.key === undefined ? undefined : whyWeak(issuer.publicKey.key);
  const below = path.slice(1, -1).filter((each) => !isSelfIssued(each)).length;
  const most = basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY;
  const rows: readonly [applies: boolean, why: string][] = [
    [basicConstraints?.ca !== true, `its issuer ${name} is no CA`],
    [keyUsage?.has(keyUsageBits.keyCertSign) === false, `its issuer ${name} may not sign certificates`],
    [issuer.notBefore > now, `its issuer ${name} is not valid yet`],
    [issuer.notAfter < now, `its issuer ${name} has expired`],
    [below > most, `its issuer ${name} may have ${most} authorities below it, not ${below}`],
    [
      extendedKeyUsage?.some((each) => each === purpose || each === anyPurpose) === false,
      `its issuer ${name} may not certify endorsement keys`,
    ],
    [critical !== undefined, `its issuer ${name} has the critical extension ${critical}, which is not supported`],
    [weak !== undefined, `its issuer ${name} has ${weak}`],
    [issuer.algorithm.hash === 'sha1' && !roots.has(issuer.fingerprint), `its issuer ${name} is certified with SHA-1`],
  ];
  return rows.find(([applies]) => applies)?.[1] ?? constraintFault(path, issuer);
}

/** RFC 5280, 4.2.1.10: not for authorities that only renewed their own name, unless they stand at the end. */
function constraintFault(path: CertificatePath, issuer: Certificate): string | undefined {
  const { nameConstraints } = issuer.extensions;
  if (nameConstraints === undefined) return undefined;
  for (const [i, certificate] of path.slice(0, -1).entries()) {
    if (i > 0 && isSelfIssued(certificate)) continue;
    const alternatives = certificate.extensions.subjectAltName ?? [];
    const why = namesRefused({ subject: certificate.subject.rdns, alternatives }, nameConstraints);
    if (why !== undefined) return `its issuer ${subjectText(issuer)} does not allow the names below it: ${why}`;
  }
  return undefined;
}
