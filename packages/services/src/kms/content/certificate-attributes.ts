import { DecodeError } from '@vouchsafe/bytes/reader';
import { contextTag, Der, type Element, tags } from '@vouchsafe/domain/x509/der';
import { integerOf, oidOf } from '@vouchsafe/domain/x509/der-values';
import { nameText, type Rdn, readName } from '@vouchsafe/domain/x509/distinguished-name';
import { readPublicKeyInfo } from '@vouchsafe/domain/x509/public-key-info';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { digitalSignatureAlgorithm } from '@vouchsafe/kmip/enums';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { keyFacts } from './key-facts.ts';

/** Signature algorithms of certificates by their object identifiers (RFC 3279, RFC 4055, RFC 5758). */
const signatures: Readonly<Record<string, keyof typeof digitalSignatureAlgorithm>> = {
  '1.2.840.113549.1.1.2': 'MD2 with RSA Encryption',
  '1.2.840.113549.1.1.4': 'MD5 with RSA Encryption',
  '1.2.840.113549.1.1.5': 'SHA-1 with RSA Encryption',
  '1.2.840.113549.1.1.14': 'SHA-224 with RSA Encryption',
  '1.2.840.113549.1.1.11': 'SHA-256 with RSA Encryption',
  '1.2.840.113549.1.1.12': 'SHA-384 with RSA Encryption',
  '1.2.840.113549.1.1.13': 'SHA-512 with RSA Encryption',
  '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.10045.4.1': 'ECDSA with SHA-1',
  '1.2.840.10045.4.3.1': 'ECDSA with SHA224',
  '1.2.840.10045.4.3.2': 'ECDSA with SHA256',
  '1.2.840.10045.4.3.3': 'ECDSA with SHA384',
  '1.2.840.10045.4.3.4': 'ECDSA with SHA512',
};

/** Bears what DER forbids: a certificate is kept here, not believed. */
const bearAll = () => {};

/**
 * The attributes of a certificate that the server reads out of it (KMIP 1.4, 3.8 to 3.16). Nothing is verified.
 * @throws {OperationError} when the octets are no X.509 certificate
 */
export function certificateAttributes(octets: Uint8Array): Attribute[] {
  try {
    return read(octets);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new OperationError(
      'Invalid Field',
      `Certificate Value: no X.509 certificate: ${error.message}`.slice(0, 256),
    );
  }
}

function read(octets: Uint8Array): Attribute[] {
  const outer = Der.over(octets, 'certificate', bearAll);
  const whole = outer.enter(tags.sequence, 'certificate');
  outer.finish();
  const fields = whole.enter(tags.sequence, 'tbs');
  fields.optional(contextTag(0), 'version');
  const serial = fields.take(tags.integer, 'serial');
  const algorithm = signatures[oidOf(fields.enter(tags.sequence, 'signature').take(tags.oid, 'algorithm'))];
  const issuer = fields.take(tags.sequence, 'issuer');
  fields.take(tags.sequence, 'validity');
  const subject = fields.take(tags.sequence, 'subject');
  const { key } = readPublicKeyInfo(fields.take(tags.sequence, 'publicKey'));
  const facts = key === undefined ? undefined : keyFacts(key);
  return [
    { name: 'Certificate Type', value: 'X.509' },
    { name: 'Certificate Length', value: octets.length },
    ...(facts === undefined
      ? []
      : ([
          { name: 'Cryptographic Algorithm', value: facts.algorithm },
          { name: 'Cryptographic Length', value: facts.length },
        ] as const)),
    ...(algorithm === undefined ? [] : ([{ name: 'Digital Signature Algorithm', value: algorithm }] as const)),
    ...names(serial, issuer, subject),
  ];
}

/** As octets, and in the words of the attributes that 1.1 replaced. */
function names(serial: Element, issuer: Element, subject: Element): Attribute[] {
  const number = Buffer.from(integerOf(serial))
    .toString('hex')
    .toUpperCase()
    .replace(/^00(?=..)/, '');
  const [issuerText, subjectText] = [rfc4514(readName(issuer)), rfc4514(readName(subject))];
  const [issuerOctets, subjectOctets] = [Uint8Array.from(issuer.raw), Uint8Array.from(subject.raw)];
  return [
    {
      name: 'X.509 Certificate Identifier',
      value: { issuer: issuerOctets, serialNumber: Uint8Array.from(serial.raw) },
    },
    { name: 'X.509 Certificate Subject', value: { name: subjectOctets, alternativeNames: [] } },
    { name: 'X.509 Certificate Issuer', value: { name: issuerOctets, alternativeNames: [] } },
    {
      name: 'Certificate Identifier',
      value: { issuer: issuerText, serialNumber: number },
    },
    { name: 'Certificate Subject', value: { name: subjectText, alternativeNames: [] } },
    { name: 'Certificate Issuer', value: { name: issuerText, alternativeNames: [] } },
  ];
}

/** The last part first, as RFC 4514 writes names. */
const rfc4514 = (rdns: readonly Rdn[]): string =>
  rdns
    .toReversed()
    .map((rdn) => nameText([rdn.map(({ type, value }) => ({ type, value: value.replace(/[,+"\\<>;]/g, '\\$&') }))]))
    .join(',');
