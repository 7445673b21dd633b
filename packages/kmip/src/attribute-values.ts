import {
  alternativeNameType,
  cryptographicAlgorithm,
  drbgAlgorithm,
  fips186Variation,
  hashingAlgorithm,
  keyFormatType,
  keyValueLocationType,
  linkType,
  nameType,
  recommendedCurve,
  revocationReasonCode,
  rngAlgorithm,
  usageLimitsUnit,
} from './enums.ts';
import { item } from './ttlv/item.ts';
import { boolean, bytes, enumeration, integer, longInteger, openEnumeration, text } from './ttlv/scalars.ts';
import { optional, repeated, since, structureBody } from './ttlv/structure.ts';

/** Values of attributes that are structures. In versions 1.x they stand under the tag Attribute Value. */

const short = 1024;

/** KMIP 1.4, 3.2. */
export const nameBody = structureBody({
  value: text('Name Value', short),
  type: enumeration('Name Type', nameType),
});
/** KMIP 1.4, 3.2: as it stands outside an Attribute. */
export const Name = item('Name', nameBody);

/** KMIP 1.4, 3.7. */
export const cryptographicDomainParametersBody = structureBody({
  qLength: optional(integer('Qlength')),
  curve: optional(openEnumeration('Recommended Curve', recommendedCurve)),
});
export const CryptographicDomainParameters = item('Cryptographic Domain Parameters', cryptographicDomainParametersBody);

/** KMIP 1.4, 3.10: X.509 names as octets. */
export const x509CertificateIdentifierBody = structureBody({
  issuer: bytes('Issuer Distinguished Name'),
  serialNumber: bytes('Certificate Serial Number'),
});
/** KMIP 1.4, 3.11. */
export const x509CertificateSubjectBody = structureBody({
  name: bytes('Subject Distinguished Name'),
  alternativeNames: repeated(bytes('Subject Alternative Name'), 64),
});
/** KMIP 1.4, 3.12. */
export const x509CertificateIssuerBody = structureBody({
  name: bytes('Issuer Distinguished Name'),
  alternativeNames: repeated(bytes('Issuer Alternative Name'), 64),
});
/** KMIP 1.4, 3.13; deprecated since 1.1. */
export const certificateIdentifierBody = structureBody({
  issuer: text('Issuer'),
  serialNumber: optional(text('Serial Number')),
});
/** KMIP 1.4, 3.14; deprecated since 1.1. */
export const certificateSubjectBody = structureBody({
  name: text('Certificate Subject Distinguished Name'),
  alternativeNames: repeated(text('Certificate Subject Alternative Name'), 64),
});
/** KMIP 1.4, 3.15; deprecated since 1.1. */
export const certificateIssuerBody = structureBody({
  name: text('Certificate Issuer Distinguished Name'),
  alternativeNames: repeated(text('Certificate Issuer Alternative Name'), 64),
});

/** KMIP 1.4, 3.17. */
export const digestBody = structureBody({
  algorithm: openEnumeration('Hashing Algorithm', hashingAlgorithm),
  value: optional(bytes('Digest Value', short)),
  format: since('1.1', optional(openEnumeration('Key Format Type', keyFormatType))),
});

/** KMIP 1.4, 3.21. */
export const usageLimitsBody = structureBody({
  total: longInteger('Usage Limits Total'),
  count: optional(longInteger('Usage Limits Count')),
  unit: enumeration('Usage Limits Unit', usageLimitsUnit),
});

/** KMIP 1.4, 3.31. */
export const revocationReasonBody = structureBody({
  code: enumeration('Revocation Reason Code', revocationReasonCode),
  message: optional(text('Revocation Message', short)),
});
export const RevocationReason = item('Revocation Reason', revocationReasonBody);

/** KMIP 1.4, 3.35. */
export const linkBody = structureBody({
  type: openEnumeration('Link Type', linkType),
  id: text('Linked Object Identifier', short),
});

/** KMIP 1.4, 3.36. */
export const applicationSpecificInformationBody = structureBody({
  namespace: text('Application Namespace', short),
  data: optional(text('Application Data', 8192)),
});

/** KMIP 1.4, 3.40. */
export const alternativeNameBody = structureBody({
  value: text('Alternative Name Value', short),
  type: openEnumeration('Alternative Name Type', alternativeNameType),
});

/** KMIP 1.4, 3.42. */
export const keyValueLocationBody = structureBody({
  value: text('Key Value Location Value', short),
  type: openEnumeration('Key Value Location Type', keyValueLocationType),
});

/** KMIP 1.4, 2.1.18. */
export const rngParametersBody = structureBody({
  algorithm: openEnumeration('RNG Algorithm', rngAlgorithm),
  cryptographicAlgorithm: optional(openEnumeration('Cryptographic Algorithm', cryptographicAlgorithm)),
  length: optional(integer('Cryptographic Length')),
  hash: optional(openEnumeration('Hashing Algorithm', hashingAlgorithm)),
  drbg: optional(openEnumeration('DRBG Algorithm', drbgAlgorithm)),
  curve: optional(openEnumeration('Recommended Curve', recommendedCurve)),
  fips186Variation: optional(openEnumeration('FIPS186 Variation', fips186Variation)),
  predictionResistance: optional(boolean('Prediction Resistance')),
});
export const RngParameters = item('RNG Parameters', rngParametersBody);
