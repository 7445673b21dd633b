import {
  alternativeNameBody,
  applicationSpecificInformationBody,
  certificateIdentifierBody,
  certificateIssuerBody,
  certificateSubjectBody,
  cryptographicDomainParametersBody,
  digestBody,
  keyValueLocationBody,
  linkBody,
  nameBody,
  revocationReasonBody,
  rngParametersBody,
  usageLimitsBody,
  x509CertificateIdentifierBody,
  x509CertificateIssuerBody,
  x509CertificateSubjectBody,
} from './attribute-values.ts';
import { cryptographicParametersBody } from './cryptographic-parameters.ts';
import {
  certificateType,
  cryptographicAlgorithm,
  digitalSignatureAlgorithm,
  keyFormatType,
  nistKeyType,
  objectType,
  protectionLevel,
  state,
} from './enums.ts';
import type { TagName } from './tags.ts';
import type { Body } from './ttlv/item.ts';
import {
  booleanBody,
  bytesBody,
  dateTimeBody,
  enumerationBody,
  integerBody,
  intervalBody,
  openEnumerationBody,
  textBody,
} from './ttlv/scalars.ts';
import type { VersionName } from './ttlv/vocabulary.ts';

/** What the standard says of an attribute in its table of section 3. */
export interface AttributeFacts<T> {
  /** How its value stands. */
  readonly body: Body<T>;
  /** Its tag from 2.0 on, when it is not spelled as the attribute itself. */
  readonly tag?: TagName;
  /** The first version that has it. */
  readonly since: VersionName;
  /** The last version that has it, when later ones dropped it. */
  readonly until?: VersionName;
  /** An object may have it several times. */
  readonly multiple: boolean;
  /** What clients may do to it; servers set all others themselves. */
  readonly client: {
    /** Give it when an object is made or registered. */
    readonly set: boolean;
    readonly modify: boolean;
    readonly delete: boolean;
  };
}

/** What a client may do to an attribute. */
const by = {
  /** The server's alone. */
  server: { set: false, modify: false, delete: false },
  /** Given with the object, and never changed. */
  once: { set: true, modify: false, delete: false },
  /** Given and changed, but never taken away. */
  kept: { set: true, modify: true, delete: false },
  /** The client's own. */
  free: { set: true, modify: true, delete: true },
} as const;

const fact = <T>(
  body: Body<T>,
  client: AttributeFacts<T>['client'],
  more: Partial<Omit<AttributeFacts<T>, 'body' | 'client'>> = {},
): AttributeFacts<T> => ({ body, client, since: '1.0', multiple: false, ...more });

const short = textBody(1024);
const many = { multiple: true } as const;
const fromTwo = { since: '2.0' } as const;

/** The attributes of KMIP 1.4, section 3, in its order, and those that 2.0 added. */
export const attributeTable = {
  'Unique Identifier': fact(short, by.server),
  Name: fact(nameBody, by.free, many),
  'Object Type': fact(enumerationBody<keyof typeof objectType>(objectType, false), by.server),
  'Cryptographic Algorithm': fact(openEnumerationBody(cryptographicAlgorithm), by.once),
  'Cryptographic Length': fact(integerBody, by.once),
  'Cryptographic Parameters': fact(cryptographicParametersBody, by.free, many),
  'Cryptographic Domain Parameters': fact(cryptographicDomainParametersBody, by.once),
  'Certificate Type': fact(openEnumerationBody(certificateType), by.server),
  'Certificate Length': fact(integerBody, by.server, { since: '1.1' }),
  'X.509 Certificate Identifier': fact(x509CertificateIdentifierBody, by.server, { since: '1.1' }),
  'X.509 Certificate Subject': fact(x509CertificateSubjectBody, by.server, { since: '1.1' }),
  'X.509 Certificate Issuer': fact(x509CertificateIssuerBody, by.server, { since: '1.1' }),
  'Certificate Identifier': fact(certificateIdentifierBody, by.server, { until: '1.4' }),
  'Certificate Subject': fact(certificateSubjectBody, by.server, { until: '1.4' }),
  'Certificate Issuer': fact(certificateIssuerBody, by.server, { until: '1.4' }),
  'Digital Signature Algorithm': fact(openEnumerationBody(digitalSignatureAlgorithm), by.server, { since: '1.1' }),
  Digest: fact(digestBody, by.server, many),
  'Operation Policy Name': fact(short, by.once, { until: '1.4' }),
  'Cryptographic Usage Mask': fact(integerBody, by.once),
  'Lease Time': fact(intervalBody, by.server),
  'Usage Limits': fact(usageLimitsBody, by.free),
  State: fact(enumerationBody<keyof typeof state>(state, false), by.server),
  'Initial Date': fact(dateTimeBody, by.server),
  'Activation Date': fact(dateTimeBody, by.kept),
  'Process Start Date': fact(dateTimeBody, by.kept),
  'Protect Stop Date': fact(dateTimeBody, by.kept),
  'Deactivation Date': fact(dateTimeBody, by.kept),
  'Destroy Date': fact(dateTimeBody, by.server),
  'Compromise Occurrence Date': fact(dateTimeBody, by.server),
  'Compromise Date': fact(dateTimeBody, by.server),
  'Revocation Reason': fact(revocationReasonBody, by.server),
  'Archive Date': fact(dateTimeBody, by.server),
  'Object Group': fact(short, by.free, many),
  Fresh: fact(booleanBody, by.once, { since: '1.1' }),
  Link: fact(linkBody, by.free, many),
  'Application Specific Information': fact(applicationSpecificInformationBody, by.free, many),
  'Contact Information': fact(short, by.free),
  'Last Change Date': fact(dateTimeBody, by.server),
  'Alternative Name': fact(alternativeNameBody, by.free, { since: '1.2', multiple: true }),
  'Key Value Present': fact(booleanBody, by.server, { since: '1.2' }),
  'Key Value Location': fact(keyValueLocationBody, by.free, { since: '1.2', multiple: true }),
  'Original Creation Date': fact(dateTimeBody, by.once, { since: '1.2' }),
  'Random Number Generator': fact(rngParametersBody, by.once, { since: '1.3' }),
  'PKCS#12 Friendly Name': fact(short, by.free, { since: '1.4' }),
  Description: fact(textBody(8192), by.free, { since: '1.4' }),
  Comment: fact(textBody(8192), by.free, { since: '1.4' }),
  Sensitive: fact(booleanBody, by.kept, { since: '1.4' }),
  'Always Sensitive': fact(booleanBody, by.server, { since: '1.4' }),
  Extractable: fact(booleanBody, by.kept, { since: '1.4' }),
  'Never Extractable': fact(booleanBody, by.server, { since: '1.4' }),
  // KMIP 2.1, 4.
  'Certificate Subject CN': fact(short, by.server, fromTwo),
  'Certificate Subject O': fact(short, by.server, fromTwo),
  'Certificate Subject OU': fact(short, by.server, fromTwo),
  'Certificate Subject Email': fact(short, by.server, fromTwo),
  'Certificate Subject C': fact(short, by.server, fromTwo),
  'Certificate Subject ST': fact(short, by.server, fromTwo),
  'Certificate Subject L': fact(short, by.server, fromTwo),
  'Certificate Subject UID': fact(short, by.server, fromTwo),
  'Certificate Subject Serial Number': fact(short, by.server, fromTwo),
  'Certificate Subject Title': fact(short, by.server, fromTwo),
  'Certificate Subject DC': fact(short, by.server, fromTwo),
  'Certificate Subject DN Qualifier': fact(short, by.server, fromTwo),
  'Certificate Issuer CN': fact(short, by.server, fromTwo),
  'Certificate Issuer O': fact(short, by.server, fromTwo),
  'Certificate Issuer OU': fact(short, by.server, fromTwo),
  'Certificate Issuer Email': fact(short, by.server, fromTwo),
  'Certificate Issuer C': fact(short, by.server, fromTwo),
  'Certificate Issuer ST': fact(short, by.server, fromTwo),
  'Certificate Issuer L': fact(short, by.server, fromTwo),
  'Certificate Issuer UID': fact(short, by.server, fromTwo),
  'Certificate Issuer Serial Number': fact(short, by.server, fromTwo),
  'Certificate Issuer Title': fact(short, by.server, fromTwo),
  'Certificate Issuer DC': fact(short, by.server, fromTwo),
  'Certificate Issuer DN Qualifier': fact(short, by.server, fromTwo),
  'Key Format Type': fact(openEnumerationBody(keyFormatType), by.once, fromTwo),
  'NIST Key Type': fact(openEnumerationBody(nistKeyType), by.free, fromTwo),
  'Protection Level': fact(openEnumerationBody(protectionLevel), by.free, fromTwo),
  'Protection Period': fact(intervalBody, by.free, fromTwo),
  'Protection Storage Mask': fact(integerBody, by.server, fromTwo),
  'Quantum Safe': fact(booleanBody, by.once, fromTwo),
  'Short Unique Identifier': fact(bytesBody(256), by.server, fromTwo),
} as const;

/** The name of an attribute that is understood. */
export type AttributeName = keyof typeof attributeTable;

/** What the standard says of an attribute; nothing for one that it does not know. */
export const attributeFacts = (name: string): AttributeFacts<unknown> | undefined =>
  // The table relates each name to its own value; who asks by any name has any value.
  Object.hasOwn(attributeTable, name) ? (attributeTable[name as AttributeName] as AttributeFacts<unknown>) : undefined;

/**
 * What clients may do to an attribute, custom ones included: those of clients (`x-`, or of a vendor) are theirs, those
 * of servers (`y-`) are not.
 */
export function clientMay(name: string): AttributeFacts<unknown>['client'] {
  if (name.startsWith('x-') || name.includes(':')) return by.free;
  return attributeFacts(name)?.client ?? by.server;
}
