import { createHash } from 'node:crypto';
import { hex } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { contextTag, Der, type OnOddity, tags } from './der.ts';
import { bitOctetsOf, integerOf, smallIntegerOf, timeOf } from './der-values.ts';
import { nameId, nameText, type Rdn, readName } from './distinguished-name.ts';
import { type Extensions, readExtensions, readRawExtensions } from './extensions.ts';
import { type PublicKeyInfo, readPublicKeyInfo } from './public-key-info.ts';
import { readSignatureAlgorithm, type SignatureAlgorithm, signedBy } from './signature-algorithm.ts';

/** A Name: what it is compared by, and its attributes. */
export interface Name {
  /** Names are the same when these are. */
  readonly id: string;
  readonly rdns: readonly Rdn[];
}

/** A certificate as it stands (RFC 5280, 4.1). Reading verifies nothing. */
export interface Certificate {
  /** Exactly the certificate. */
  readonly raw: Uint8Array;
  /** SHA-256 of `raw`, in hexadecimal. */
  readonly fingerprint: string;
  /** The octets that were signed, as they were signed. */
  readonly tbs: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
  /** The serial number in hexadecimal, without octets that say nothing. */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKeyInfo;
  readonly extensions: Extensions;
}

/** Larger certificates are not read. */
export const maxCertificateBytes = 16 * 1024;

/**
 * What DER forbids and CAs of TPM makers do: Nuvoton's roots order the attributes of their names otherwise, many write
 * what is the default, Infineon's state key usages with more bits than they need. None leaves a doubt about the meaning.
 */
const borneInAuthorities: readonly string[] = ['set-order', 'explicit-default', 'time-form', 'bit-string-padding'];

const ofAuthorities: OnOddity = (oddity) => {
  if (!borneInAuthorities.includes(oddity)) throw new DecodeError('certificate', 0, `not DER: ${oddity}`);
};

/**
 * Reads a certificate.
 * @param odd told of each oddity; without it the reader bears what CAs of makers do, and nothing else
 * @throws {DecodeError} naming the field
 */
export function readCertificate(bytes: Uint8Array, odd: OnOddity = ofAuthorities): Certificate {
  if (bytes.length > maxCertificateBytes)
    throw new DecodeError('certificate', 0, `more than ${maxCertificateBytes} octets`);
  const whole = Der.over(bytes, 'certificate', odd);
  const outer = whole.take(tags.sequence, 'certificate');
  whole.finish();
  const fields = outer.inside();
  const tbs = fields.take(tags.sequence, 'tbs');
  const algorithm = readSignatureAlgorithm(fields.take(tags.sequence, 'signatureAlgorithm'));
  const signature = bitOctetsOf(fields.take(tags.bitString, 'signature'));
  fields.finish();
  const { inner, ...rest } = readTbs(tbs.inside(), odd);
  if (!Buffer.from(inner.raw).equals(algorithm.raw)) {
    if (inner.id !== algorithm.id) tbs.fail('it names another signature algorithm than the one it is signed with');
    odd('signature-algorithm');
  }
  const { raw } = outer;
  return { raw, fingerprint: fingerprintOf(raw), tbs: tbs.raw, algorithm, signature, ...rest };
}

export const fingerprintOf = (raw: Uint8Array): string => hex(createHash('sha256').update(raw).digest());

function readTbs(fields: Der, odd: OnOddity) {
  const version = versionOf(fields);
  const serial = integerOf(fields.take(tags.integer, 'serial'));
  if (serial.length > 20 || (serial[0] ?? 0) >= 0x80 || serial.every((octet) => octet === 0)) odd('serial');
  const inner = readSignatureAlgorithm(fields.take(tags.sequence, 'signature'));
  const issuer = nameOf(fields, 'issuer');
  const validity = fields.enter(tags.sequence, 'validity');
  const [notBefore, notAfter] = [timeOf(validity.any('notBefore')), timeOf(validity.any('notAfter'))];
  validity.finish();
  const subject = nameOf(fields, 'subject');
  const publicKey = readPublicKeyInfo(fields.take(tags.sequence, 'subjectPublicKeyInfo'));
  fields.optional(contextTag(1, 'primitive'), 'issuerUniqueID');
  fields.optional(contextTag(2, 'primitive'), 'subjectUniqueID');
  const list = fields.optional(contextTag(3), 'extensions');
  fields.finish();
  if (list !== undefined && version !== 2) odd('version');
  const extensions = readExtensions(
    list === undefined ? new Map() : readRawExtensions(list.inside().enter(tags.sequence, 'list')),
    odd,
  );
  return { inner, serial: serialText(serial), issuer, subject, notBefore, notAfter, publicKey, extensions };
}

/** A serial number as text: the same number is the same text. */
export const serialText = (serial: Uint8Array): string => hex(serial).replace(/^(?:00)+(?=[0-9a-f]{2})/, '');

/** 0 to 2 for v1 to v3; v1 is the default and not written. */
function versionOf(fields: Der): number {
  const explicit = fields.optional(contextTag(0), 'version');
  if (explicit === undefined) return 0;
  const inside = explicit.inside();
  const version = smallIntegerOf(inside.take(tags.integer, 'number'), 2);
  inside.finish();
  if (version === 0) explicit.odd('explicit-default');
  return version;
}

function nameOf(fields: Der, field: string): Name {
  const element = fields.take(tags.sequence, field);
  const rdns = readName(element);
  return { id: nameId(rdns), rdns };
}

/** Whether the key of one certificate signed another. */
export const signedByKeyOf = (certificate: Certificate, issuer: Certificate): boolean =>
  issuer.publicKey.key !== undefined &&
  signedBy(issuer.publicKey.key, certificate.algorithm, certificate.tbs, certificate.signature);

/** Who a certificate is for, for people. */
export const subjectText = ({ subject }: Certificate): string => nameText(subject.rdns) || '(no subject)';
export const issuerText = ({ issuer }: Certificate): string => nameText(issuer.rdns) || '(no issuer)';

/** Whether subject and issuer are the same name (RFC 5280, 3.2). */
export const isSelfIssued = ({ subject, issuer }: Certificate): boolean => subject.id === issuer.id;
