import type { Oddity } from '../x509/der.ts';

/** A known peculiarity of EK certificates: what it is, and where it is described. */
interface EkQuirkFacts {
  readonly says: string;
  readonly source: string;
}

/**
 * What is borne in the certificate of an EK, and in no other: it stands in a chip and cannot be made anew. None of these
 * changes what was signed: the signature is always checked over the octets as they are. A quirk that was used is told as
 * `quirk.ID`.
 */
export const ekQuirks = {
  'ek.trailing-bytes': {
    says: 'octets follow the certificate, as when an NV index is larger than what it holds',
    source: 'TCG EK Credential Profile 2.5, 2.2.1.4: the size of the index is not that of the certificate',
  },
  'ek.stored-header': {
    says: 'the certificate stands behind the header of TCG_PCCLIENT_STORED_CERT',
    source: 'TCG PC Client Specific Implementation Specification for Conventional BIOS 1.21, 7.3.2',
  },
  'ek.rsaes-oaep': {
    says: 'the key is named for RSAES-OAEP, which OpenSSL does not read; it is an RSA key like any other',
    source: 'RFC 4055, 4.1; demanded by the TCG Credential Profiles 1.1 for TPM 1.2 and kept by some makers',
  },
  'ek.sha1': {
    says: 'the certificate is signed over SHA-1',
    source: 'EK certificates of before 2016; the signed content is the maker’s own, so collisions help nobody else',
  },
  'ek.no-purpose': {
    says: 'the extended key usage tcg-kp-EKCertificate is missing; the key usage alone tells it from an AK certificate',
    source: 'TCG EK Credential Profile 2.5, 3.2.16 (2.23.133.8.1); certificates of Google Compute Engine lack it',
  },
  'ek.no-key-usage': {
    says: 'the key usage is missing; the extended key usage alone says that it is one of an EK',
    source: 'TCG EK Credential Profile 2.5, 3.2.6; certificates of STMicroelectronics of 2014 lack it',
  },
  'ek.key-usage': {
    says: 'the key usage allows more than an EK does, or names the one of another kind of key',
    source: 'TCG EK Credential Profile 2.5, 3.2.6: keyEncipherment for RSA, keyAgreement for ECC, and nothing else',
  },
  'ek.san-not-critical': {
    says: 'the subject is empty and the alternative name is not critical',
    source: 'RFC 5280, 4.1.2.6',
  },
  'ek.length-form': { says: 'a length has more octets than it needs', source: 'X.690, 10.1' },
  'ek.integer-form': { says: 'an integer has more octets than it needs', source: 'X.690, 8.3.2' },
  'ek.boolean-form': { says: 'a boolean is neither 00 nor FF', source: 'X.690, 11.1' },
  'ek.bit-string-padding': {
    says: 'a list of bits ends in bits that are not set',
    source: 'X.690, 11.2; certificates of Infineon',
  },
  'ek.set-order': {
    says: 'the attributes of a name do not stand in their order',
    source: 'X.690, 11.6; certificates of Nuvoton NPCT75x',
  },
  'ek.explicit-default': { says: 'a value is written that is the default', source: 'X.690, 11.5' },
  'ek.time-form': {
    says: 'a time is written in another form than the profile has for it',
    source: 'RFC 5280, 4.1.2.5',
  },
  'ek.version': { says: 'the certificate has extensions and is no version 3', source: 'RFC 5280, 4.1.2.1' },
  'ek.serial': { says: 'the serial number is zero, negative or longer than 20 octets', source: 'RFC 5280, 4.1.2.2' },
  'ek.signature-algorithm': {
    says: 'the two names of the signature algorithm differ in their parameters',
    source: 'RFC 5280, 4.1.1.2',
  },
} as const satisfies Record<string, EkQuirkFacts> & Record<`ek.${Oddity}`, EkQuirkFacts>;

/** Name of a quirk of EK certificates; its finding is `quirk.` and this. */
export type EkQuirk = keyof typeof ekQuirks;
