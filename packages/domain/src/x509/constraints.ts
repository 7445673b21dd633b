import 'reflect-metadata';
import type { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** What an issuer allows a certificate to do (RFC 5280, 4.2.1.3 and 4.2.1.9). Nothing here is verified. */
export interface Constraints {
  /** Whether the key may take part in encryption; undefined when no key usage is stated. */
  readonly encrypts: boolean | undefined;
  /** Most authorities that may stand between this one and an end certificate. */
  readonly pathLength: number | undefined;
}

const { KeyUsageFlags: flags } = x509;
const encryption = flags.keyEncipherment | flags.keyAgreement | flags.dataEncipherment;

/** Reads the constraints; those of a certificate whose extensions are malformed count as not stated. */
export function constraintsOf(certificate: X509Certificate): Constraints {
  try {
    const read = new x509.X509Certificate(Uint8Array.from(certificate.raw));
    const usages = read.getExtension(x509.KeyUsagesExtension)?.usages;
    return {
      encrypts: usages === undefined ? undefined : (usages & encryption) !== 0,
      pathLength: read.getExtension(x509.BasicConstraintsExtension)?.pathLength,
    };
  } catch {
    return { encrypts: undefined, pathLength: undefined };
  }
}
