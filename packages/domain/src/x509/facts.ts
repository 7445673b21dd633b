import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { type AlternativeNames, readAlternativeNames, readCommonName } from './names.ts';

/** What a certificate says about its subject. Nothing here is verified: see `verifyIssued`. */
export interface CertificateFacts {
  readonly commonName: string | undefined;
  readonly sans: Required<AlternativeNames>;
  /** Extended key usages as object identifiers. */
  readonly purposes: readonly string[];
  readonly serial: string;
}

/** Reads subject, alternative names and purposes. @throws {Error} when the text is no certificate */
export function certificateFacts(pem: string): CertificateFacts {
  const certificate = new x509.X509Certificate(pem);
  return {
    commonName: readCommonName(certificate.subjectName),
    sans: readAlternativeNames(certificate.getExtension(x509.SubjectAlternativeNameExtension)),
    purposes: Array.from(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [], String),
    serial: certificate.serialNumber,
  };
}
