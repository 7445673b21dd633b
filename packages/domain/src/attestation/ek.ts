import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { decodePublic } from '@vouchsafe/tpm2/public';
import { spkiOf } from '@vouchsafe/tpm2/public-key';
import { Problem } from '../problem.ts';
import { constraintsOf } from '../x509/constraints.ts';
import type { TpmAuthority } from './tpm-trust.ts';

/** Names an endorsement key: SHA-256 of its SubjectPublicKeyInfo, in hexadecimal. */
export const ekHash = (ekPublic: Uint8Array): string =>
  createHash('sha256')
    .update(spkiOf(decodePublic(ekPublic)))
    .digest('hex');

/** The same for the key in a certificate. @throws {Problem} `input.malformed` */
export function ekHashOfCertificate(certificate: X509Certificate): string {
  const key = keyIn(certificate);
  if (key === undefined)
    throw new Problem('input.malformed', 'certificate: it holds no public key of a kind that can be read');
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex');
}

/** OpenSSL reads the key of a certificate only when it is asked for, and does not know every kind. */
function keyIn(certificate: X509Certificate): KeyObject | undefined {
  try {
    return certificate.publicKey;
  } catch {
    return undefined;
  }
}

/** Longest path from the issuer of an EK certificate to a root, in certificates. */
const maxPath = 8;

/** A certificate on the way up, and the one that issued the leaf below it. */
interface Step {
  readonly certificate: X509Certificate;
  readonly first: X509Certificate;
  /** Authorities between it and the leaf, those that only renewed their own name left out (RFC 5280, 4.2.1.9). */
  readonly below: number;
}

/**
 * The authority under whose root an EK certificate stands. Intermediates may come from the host: they are links only,
 * trust comes from the pinned chains. Each link is looked at once, so that certificates that issue one another cost no
 * more than others.
 *
 * @param now seconds since 1970
 * @returns the authority, or why there is none
 */
export function authorityOf(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  authorities: readonly TpmAuthority[],
  now: number,
): TpmAuthority | string {
  const links = new Map(
    [...authorities.flatMap(({ chain }) => chain), ...intermediates].map((each) => [nameOf(each), each]),
  );
  let why = `no imported CA issued it (issuer ${oneLine(leaf.issuer)})`;
  let level = takeIssuers(leaf, links).map((certificate): Step => ({ certificate, first: certificate, below: 0 }));
  for (let depth = 1; depth <= maxPath && level.length > 0; depth++) {
    const next: Step[] = [];
    for (const step of level) {
      const { certificate, first } = step;
      const fault = issuerFault(step, now);
      if (fault !== undefined) {
        why = fault;
        continue;
      }
      const authority = underRoot(certificate, first, authorities);
      if (authority !== undefined) return authority;
      const below = step.below + (certificate.issuer === certificate.subject ? 0 : 1);
      next.push(...takeIssuers(certificate, links).map((issuer) => ({ certificate: issuer, first, below })));
    }
    level = next;
  }
  return why;
}

const nameOf = (certificate: X509Certificate): string => certificate.fingerprint256;

/** Takes the issuers of a certificate out of the links. */
function takeIssuers(certificate: X509Certificate, links: Map<string, X509Certificate>): X509Certificate[] {
  const found = [...links.values()].filter((link) => issued(certificate, link));
  for (const each of found) links.delete(nameOf(each));
  return found;
}

function issued(certificate: X509Certificate, by: X509Certificate): boolean {
  const key = certificate.checkIssued(by) ? keyIn(by) : undefined;
  return key !== undefined && certificate.verify(key);
}

/**
 * The authority with this root. Where several have it, the one counts that pins the issuer of the leaf, and without
 * such a one a virtual one: a host chooses its intermediates, and must not choose to be hardware by them.
 */
function underRoot(
  root: X509Certificate,
  first: X509Certificate,
  authorities: readonly TpmAuthority[],
): TpmAuthority | undefined {
  const candidates = authorities.filter(({ chain }) => chain.at(-1)?.raw.equals(root.raw));
  const [one] = candidates
    .filter(({ chain }) => chain.some(({ raw }) => raw.equals(first.raw)))
    .toSorted((a, b) => Number(b.virtual) - Number(a.virtual));
  return one ?? candidates.find(({ virtual }) => virtual) ?? candidates[0];
}

function issuerFault({ certificate: issuer, below }: Step, now: number): string | undefined {
  const name = oneLine(issuer.subject);
  const { pathLength = Number.POSITIVE_INFINITY } = constraintsOf(issuer);
  if (!issuer.ca) return `its issuer ${name} is no CA`;
  if (issuer.validFromDate.getTime() / 1000 > now) return `its issuer ${name} is not valid yet`;
  if (issuer.validToDate.getTime() / 1000 < now) return `its issuer ${name} has expired`;
  if (below > pathLength) return `its issuer ${name} may have ${pathLength} authorities below it, not ${below}`;
  return undefined;
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');
