import type { CatalogueCase } from '../case.ts';

export const certificateCases: readonly CatalogueCase[] = [
  { id: 'C01', what: 'a chain with and without its intermediates, which the host may send', tests: [] },
  { id: 'C02', what: 'a root of the same name or key identifier that is another', tests: [] },
  { id: 'C03', what: 'an issuer that is no CA, or may not issue this', tests: [] },
  { id: 'C04', what: 'certificates that expired or are not valid yet', tests: [] },
  { id: 'C05', what: 'the purpose of an EK certificate is missing or another; names of the TPM', tests: [] },
  { id: 'C06', what: 'EK certificates of real TPMs that are malformed', tests: [] },
  { id: 'C07', what: 'names of issuers with several values and kinds of text', tests: [] },
  { id: 'C08', what: 'chains of firmware TPMs', tests: [] },
  { id: 'C09', what: 'all kinds of keys and signatures', tests: [] },
  { id: 'C10', what: 'revoked, expired, foreign and huge revocation lists', tests: [] },
  { id: 'C11', what: 'loops, ten thousand certificates, fifty steps', tests: [] },
  {
    id: 'C12',
    what: 'the certificate names another TPM than the TPM does; firmware that is known to be bad',
    tests: [
      {
        file: 'packages/testing/src/attestation/firmware.test.ts',
        test: 'firmware on the blocklist is refused, with what to do; without the check it passes',
      },
      {
        file: 'packages/testing/src/attestation/firmware.test.ts',
        test: 'a host that lets its attestation key hide the version is refused like the firmware that it may have',
      },
    ],
  },
  { id: 'C13', what: 'platform certificates of other TPMs', tests: [] },
  { id: 'C14', what: 'certificates of attestation keys', tests: [] },
  { id: 'C15', what: 'addresses in certificates are never followed', tests: [] },
];
