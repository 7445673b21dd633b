import { createHash, type X509Certificate } from 'node:crypto';
import { decodePublic } from '@vouchsafe/tpm2/public';
import { spkiOf } from '@vouchsafe/tpm2/public-key';
import type { TpmAuthority } from './policy.ts';

/** Names an endorsement key: SHA-256 of its SubjectPublicKeyInfo, in hexadecimal. */
export const ekHash = (ekPublic: Uint8Array): string =>
  createHash('sha256')
    .update(spkiOf(decodePublic(ekPublic)))
    .digest('hex');

/** The same for the key in a certificate. */
export const ekHashOfCertificate = (certificate: X509Certificate): string =>
  createHash('sha256')
    .update(certificate.publicKey.export({ format: 'der', type: 'spki' }))
    .digest('hex');

/** Longest path from an EK certificate to a root, in certificates. */
const maxPath = 8;

/**
 * The authority under whose root an EK certificate stands. Intermediates may come from the host: they are links only,
 * trust comes from the pinned chains.
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
  let why = `no imported CA issued it (issuer ${oneLine(leaf.issuer)})`;
  for (const authority of authorities) {
    const found = pathTo(leaf, [...authority.chain, ...intermediates], authority, now, maxPath);
    if (found === true) return authority;
    if (typeof found === 'string') why = found;
  }
  return why;
}

/** True when a path ends at the authority's root, a reason when one fails on the way, false when there is none. */
function pathTo(
  certificate: X509Certificate,
  links: readonly X509Certificate[],
  authority: TpmAuthority,
  now: number,
  depth: number,
): boolean | string {
  const root = authority.chain.at(-1);
  if (depth === 0 || root === undefined) return false;
  let why: boolean | string = false;
  for (const issuer of links) {
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) continue;
    const fault = issuerFault(issuer, now);
    if (fault !== undefined) why = fault;
    else if (issuer.raw.equals(root.raw)) return true;
    else if (!issuer.raw.equals(certificate.raw)) {
      const further = pathTo(issuer, links, authority, now, depth - 1);
      if (further === true) return true;
      if (further !== false) why = further;
    }
  }
  return why;
}

function issuerFault(issuer: X509Certificate, now: number): string | undefined {
  const name = oneLine(issuer.subject);
  if (!issuer.ca) return `its issuer ${name} is no CA`;
  if (issuer.validFromDate.getTime() / 1000 > now) return `its issuer ${name} is not valid yet`;
  if (issuer.validToDate.getTime() / 1000 < now) return `its issuer ${name} has expired`;
  return undefined;
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');
