import { type Certificate, isSelfIssued, signedByKeyOf, subjectText } from './certificate.ts';

/** Whether a certificate was issued by its own key. */
export const isSelfSigned = (certificate: Certificate): boolean =>
  isSelfIssued(certificate) && signedByKeyOf(certificate, certificate);

/** Whether one certificate was issued by another. */
export const isIssuedBy = (certificate: Certificate, issuer: Certificate): boolean =>
  certificate.issuer.id === issuer.subject.id && signedByKeyOf(certificate, issuer);

/**
 * Brings a chain into the order root to leaf, whichever order it came in.
 * @returns the chain, or why the certificates are none
 */
export function orderChain(certificates: readonly Certificate[]): readonly Certificate[] | string {
  const [twice] = certificates.filter((each, i) => certificates.findIndex((one) => same(one, each)) < i);
  if (twice !== undefined) return `${subjectText(twice)} stands in it twice`;
  const top = (each: Certificate) => !certificates.some((other) => !same(other, each) && isIssuedBy(each, other));
  const tops = certificates.filter(top);
  if (tops.length === 0) return 'its certificates issue one another in a circle';
  const ordered = [...tops.slice(0, 1)];
  for (let last = ordered[0]; last !== undefined; ) {
    const above = last;
    last = certificates.find((each) => !ordered.some((one) => same(one, each)) && isIssuedBy(each, above));
    if (last !== undefined) ordered.push(last);
  }
  const [loose] = certificates.filter((each) => !ordered.some((one) => same(one, each)));
  if (loose === undefined) return ordered;
  return `${subjectText(loose)} is not in one line with ${subjectText(ordered[0] ?? loose)}`;
}

const same = (one: Certificate, other: Certificate): boolean => one.fingerprint === other.fingerprint;
