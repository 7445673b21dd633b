import type { BundlePlan } from '@vouchsafe/domain/attestation/ca-bundle';
import type { TpmAuthority, TpmTrust } from '@vouchsafe/domain/attestation/tpm-trust';
import { type Certificate, issuerText, subjectText } from '@vouchsafe/domain/x509/certificate';
import { nameText } from '@vouchsafe/domain/x509/distinguished-name';
import type { LoadedCrl } from './trust-store.ts';

const time = (seconds: number): string => new Date(Math.min(seconds, 253402300799) * 1000).toISOString();

/** A certificate as it is shown. */
export const linkView = (certificate: Certificate) => ({
  subject: subjectText(certificate),
  issuer: issuerText(certificate),
  serial: certificate.serial,
  not_after: time(certificate.notAfter),
  fingerprint: certificate.fingerprint,
});
export type LinkView = ReturnType<typeof linkView>;

/** An authority as it is listed. */
export const authorityView = ({ name, virtual, chain, under = false }: TpmAuthority) => {
  const [top] = chain;
  return {
    name,
    virtual,
    /** It is no root, and counts as long as the CA above it is trusted. */
    under,
    subject: top === undefined ? '' : subjectText(top),
    certificates: chain.length,
    not_after: time(Math.min(...chain.map(({ notAfter }) => notAfter))),
    fingerprint: top?.fingerprint ?? '',
  };
};
export type AuthorityView = ReturnType<typeof authorityView>;

/** What an import did, or would do. */
export const planView = ({ roots, intermediates, skipped }: BundlePlan) => ({
  roots: roots.map(({ name, certificate, issuer }) => ({
    name,
    ...linkView(certificate),
    /** It is pinned as a root although another CA issued it, which is not here. */
    issued_by_another: issuer !== undefined,
    intermediates: intermediates.filter(({ root }) => root === name).length,
  })),
  intermediates: intermediates.map(({ certificate, root }) => ({ root, ...linkView(certificate) })),
  skipped,
});
export type PlanView = ReturnType<typeof planView>;

/** A revocation list as it is shown. */
export const crlView = ({ name, crl, added }: LoadedCrl, now: Date) => ({
  name,
  issuer: nameText(crl.issuer.rdns),
  number: crl.number,
  this_update: time(crl.thisUpdate),
  next_update: crl.nextUpdate === undefined ? undefined : time(crl.nextUpdate),
  revoked: crl.revoked.size,
  outdated: (crl.nextUpdate ?? Number.POSITIVE_INFINITY) <= now.getTime() / 1000,
  added,
});
export type CrlView = ReturnType<typeof crlView>;

/** An address that a CA names. */
export interface Source {
  readonly url: string;
  readonly kind: 'crl' | 'issuer';
  /** Whose certificate names it. */
  readonly named_by: string;
}

/**
 * Where the known CAs say that revocation lists can be fetched, and issuers that are not here; each address once. What a
 * pinned root says of its own issuer is left out: trust goes no further up.
 */
export function sourcesOf({ authorities, intermediates }: TpmTrust): Source[] {
  const found = new Map<string, Source>();
  const roots = authorities.flatMap(({ chain, under }) => (under === true ? [] : chain.slice(0, 1)));
  const known = [...authorities.flatMap(({ chain }) => chain), ...intermediates];
  const names = new Set(known.map(({ subject }) => subject.id));
  for (const certificate of known) {
    const named_by = subjectText(certificate);
    const { crlUrls, issuerUrls } = certificate.extensions;
    for (const url of crlUrls) found.set(`crl ${url}`, { url, kind: 'crl', named_by });
    if (names.has(certificate.issuer.id) || roots.includes(certificate)) continue;
    for (const url of issuerUrls) found.set(`issuer ${url}`, { url, kind: 'issuer', named_by });
  }
  return [...found.values()];
}
