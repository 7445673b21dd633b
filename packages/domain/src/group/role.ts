import type { X509Certificate } from 'node:crypto';
import type { Group } from './group.ts';

/** What a certificate of the group CA lets its holder do; stands as a URI in the subject alternative name. */
export const roles = {
  /** Signs attestation tokens. */
  attestd: 'urn:vouchsafe:role:attestd',
  /** Signs answers of the Key Provider Service. */
  kmxd: 'urn:vouchsafe:role:kmxd',
  /** A member of the group: signs to other members. */
  member: 'urn:vouchsafe:role:member',
  /** Gives keys of standard and native providers to hosts; of the CA of a center, which no group is. */
  center: 'urn:vouchsafe:role:center',
} as const;
export type Role = keyof typeof roles;

/**
 * Says why a certificate does not give its holder a role in the group, or nothing when it does.
 * @param now seconds since 1970
 * @param leeway seconds that clocks may differ
 */
export function whyNotInRole(
  certificate: X509Certificate,
  group: Group,
  role: Role,
  now: number,
  leeway = 30,
): string | undefined {
  if (certificate.ca) return 'the certificate is one of a CA';
  if (!certificate.checkIssued(group.ca) || !certificate.verify(group.ca.publicKey)) {
    return `the certificate was not issued by the CA of group ${group.id}`;
  }
  if (certificate.validFromDate.getTime() / 1000 > now + leeway) return 'the certificate is not valid yet';
  if (certificate.validToDate.getTime() / 1000 < now - leeway) return 'the certificate has expired';
  if (!urisOf(certificate).includes(roles[role])) return `the certificate does not name the role ${role}`;
  return undefined;
}

/** The URIs in the subject alternative name. */
export const urisOf = (certificate: X509Certificate): string[] =>
  (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice('URI:'.length));
