import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { decodePublic } from '@vouchsafe/tpm2/public';
import { spkiOf } from '@vouchsafe/tpm2/public-key';
import { Problem } from '../problem.ts';
import type { TpmAuthority } from './policy.ts';

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
    const found = pathTo(leaf, [...authority.chain, ...intermediates], authority, now);
    if (found === true) return authority;
    if (typeof found === 'string') why = found;
  }
  return why;
}

/**
 * True when a path ends at the authority's root, a reason when one fails on the way, false when there is none. Each
 * certificate is looked at once, by its shortest way from the leaf: links that certify one another in a circle, as a
 * host may send them, would otherwise be walked in every order.
 */
function pathTo(
  leaf: X509Certificate,
  links: readonly X509Certificate[],
  { chain }: TpmAuthority,
  now: number,
): boolean | string {
  const root = chain.at(-1);
  let why: boolean | string = false;
  let unseen = [...links];
  let ends = [leaf];
  for (let depth = 0; depth < maxPath && ends.length > 0; depth++) {
    const issuers = unseen.filter((link) => ends.some((end) => issued(end, link)));
    unseen = unseen.filter((link) => !issuers.includes(link));
    ends = [];
    for (const issuer of issuers) {
      const fault = issuerFault(issuer, now);
      if (fault !== undefined) why = fault;
      else if (root !== undefined && issuer.raw.equals(root.raw)) return true;
      else ends.push(issuer);
    }
  }
  return why;
}

function issued(certificate: X509Certificate, by: X509Certificate): boolean {
  const key = certificate.checkIssued(by) ? keyIn(by) : undefined;
  return key !== undefined && certificate.verify(key);
}

function issuerFault(issuer: X509Certificate, now: number): string | undefined {
  const name = oneLine(issuer.subject);
  if (!issuer.ca) return `its issuer ${name} is no CA`;
  if (issuer.validFromDate.getTime() / 1000 > now) return `its issuer ${name} is not valid yet`;
  if (issuer.validToDate.getTime() / 1000 < now) return `its issuer ${name} has expired`;
  return undefined;
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');
