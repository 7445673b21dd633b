import { DecodeError } from '@vouchsafe/bytes/reader';
import { type Certificate, fingerprintOf, type Name, serialText, subjectText } from './certificate.ts';
import { contextTag, Der, type Element, tags } from './der.ts';
import { bitOctetsOf, integerOf, smallIntegerOf, timeOf } from './der-values.ts';
import { nameId, readName } from './distinguished-name.ts';
import {
  extensionIds,
  fullNamesOf,
  keyUsageBits,
  type RawExtension,
  readKeyIdentifier,
  readRawExtensions,
} from './extensions.ts';
import { readSignatureAlgorithm, type SignatureAlgorithm, signedBy } from './signature-algorithm.ts';

/** A revoked certificate. */
export interface Revocation {
  /** Seconds since 1970. */
  readonly since: number;
  /** CRLReason (RFC 5280, 5.3.1); undefined when none is stated. */
  readonly reason: number | undefined;
}

/** A certificate revocation list (RFC 5280, 5). Reading verifies nothing: see `isCrlOf`. */
export interface Crl {
  readonly raw: Uint8Array;
  /** SHA-256 of `raw`, in hexadecimal. */
  readonly fingerprint: string;
  readonly tbs: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
  readonly issuer: Name;
  /** Seconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  /** CRLNumber in hexadecimal; the later list has the greater. */
  readonly number: string | undefined;
  /** Identifier of the key that signed it, as it says. */
  readonly authorityKey: Uint8Array | undefined;
  /** By serial number. */
  readonly revoked: ReadonlyMap<string, Revocation>;
  readonly scope: CrlScope;
}

/** Which certificates of its issuer a list speaks of (RFC 5280, 5.2.5). */
export interface CrlScope {
  readonly of: 'all' | 'users' | 'authorities';
  /** Addresses one of which the certificate must name; undefined when it need not. */
  readonly points: readonly string[] | undefined;
}

/** Larger lists are not read: makers of TPMs publish some kilobytes. */
export const maxCrlBytes = 8 * 1024 * 1024;
const maxRevoked = 250_000;

/** Reads a CRL. @throws {DecodeError} naming the field, also when it has a critical extension that is not supported */
export function readCrl(bytes: Uint8Array): Crl {
  if (bytes.length > maxCrlBytes) throw new DecodeError('crl', 0, `more than ${maxCrlBytes} octets`);
  const whole = Der.over(bytes, 'crl', () => undefined);
  const outer = whole.take(tags.sequence, 'list');
  whole.finish();
  const fields = outer.inside();
  const tbs = fields.take(tags.sequence, 'tbs');
  const algorithm = readSignatureAlgorithm(fields.take(tags.sequence, 'signatureAlgorithm'));
  const signature = bitOctetsOf(fields.take(tags.bitString, 'signature'));
  fields.finish();
  const { inner, ...rest } = readTbs(tbs.inside());
  if (inner.id !== algorithm.id) tbs.fail('it names another signature algorithm than the one it is signed with');
  const { raw } = outer;
  return { raw, fingerprint: fingerprintOf(raw), tbs: tbs.raw, algorithm, signature, ...rest };
}

function readTbs(fields: Der) {
  const version = fields.optional(tags.integer, 'version');
  if (version !== undefined && smallIntegerOf(version, 255) !== 1) version.fail('expected version 2');
  const inner = readSignatureAlgorithm(fields.take(tags.sequence, 'signature'));
  const rdns = readName(fields.take(tags.sequence, 'issuer'));
  const thisUpdate = timeOf(fields.any('thisUpdate'));
  const isTime = fields.peek === tags.utcTime || fields.peek === tags.generalizedTime;
  const nextUpdate = isTime ? timeOf(fields.any('nextUpdate')) : undefined;
  const revoked = readRevoked(fields.optional(tags.sequence, 'revokedCertificates'));
  const list = fields.optional(contextTag(0), 'extensions');
  fields.finish();
  const raw = list === undefined ? new Map() : readRawExtensions(list.inside().enter(tags.sequence, 'list'));
  const issuer: Name = { id: nameId(rdns), rdns };
  return { inner, issuer, thisUpdate, nextUpdate, revoked, ...readListExtensions(raw) };
}

/** Indexed once, so that a list of any length costs one look-up for a certificate. */
function readRevoked(list: Element | undefined): Map<string, Revocation> {
  const revoked = new Map<string, Revocation>();
  if (list === undefined) return revoked;
  for (const entry of list.inside().rest('entry', maxRevoked)) {
    if (entry.tag !== tags.sequence) entry.fail('expected an entry');
    const fields = entry.inside();
    const serial = serialText(integerOf(fields.take(tags.integer, 'serial')));
    const since = timeOf(fields.any('revocationDate'));
    const extensions = fields.optional(tags.sequence, 'extensions');
    fields.finish();
    revoked.set(serial, { since, reason: extensions === undefined ? undefined : reasonOf(extensions) });
  }
  return revoked;
}

/** RFC 5280, 5.3: a list with a critical entry extension that is not understood says nothing. */
function reasonOf(extensions: Element): number | undefined {
  const raw = readRawExtensions(extensions.inside());
  refuseCritical(raw, [extensionIds.reasonCode], extensions);
  const reason = raw.get(extensionIds.reasonCode);
  if (reason === undefined) return undefined;
  const element = Der.over(reason.value, 'crl.reason', () => undefined).take(tags.enumerated, 'code');
  return element.value.length === 1 ? element.value[0] : element.fail('no reason');
}

function readListExtensions(raw: ReadonlyMap<string, RawExtension>): Pick<Crl, 'number' | 'scope' | 'authorityKey'> {
  const { crlNumber, issuingDistributionPoint, authorityKeyIdentifier } = extensionIds;
  refuseCritical(raw, [crlNumber, issuingDistributionPoint, authorityKeyIdentifier]);
  const number = raw.get(crlNumber);
  const point = raw.get(issuingDistributionPoint);
  const key = raw.get(authorityKeyIdentifier);
  return {
    authorityKey:
      key === undefined ? undefined : readKeyIdentifier(Der.over(key.value, 'crl.authorityKey', () => undefined)),
    number:
      number === undefined
        ? undefined
        : serialText(integerOf(Der.over(number.value, 'crl.number', () => undefined).take(tags.integer, 'value'))),
    scope: point === undefined ? { of: 'all', points: undefined } : readScope(point.value),
  };
}

function refuseCritical(raw: ReadonlyMap<string, RawExtension>, understood: readonly string[], at?: Element): void {
  const unknown = [...raw].find(([id, { critical }]) => critical && !understood.includes(id))?.[0];
  if (unknown === undefined) return;
  const reason = `the critical extension ${unknown} is not supported`;
  if (at === undefined) throw new DecodeError('crl.extensions', 0, reason);
  at.fail(reason);
}

/** IssuingDistributionPoint: lists for some reasons only, or of other issuers' certificates, are not supported. */
function readScope(value: Uint8Array): CrlScope {
  const der = Der.over(value, 'crl.issuingDistributionPoint', () => undefined);
  const fields = der.enter(tags.sequence, 'point');
  const point = fields.optional(contextTag(0), 'distributionPoint');
  const flag = (n: number) => {
    const element = fields.optional(contextTag(n, 'primitive'), `[${n}]`);
    return element !== undefined && element.value[0] !== 0;
  };
  const [users, authorities] = [flag(1), flag(2)];
  const unsupported =
    fields.optional(contextTag(3, 'primitive'), 'onlySomeReasons') !== undefined || flag(4) || flag(5);
  fields.finish();
  if (unsupported || (users && authorities))
    fields.fail('lists for some reasons or of other issuers are not supported');
  const points = point === undefined ? undefined : fullNamesOf(point);
  return { of: users ? 'users' : authorities ? 'authorities' : 'all', points };
}

/** Why a list is not one of this issuer; undefined when it is. */
export function whyNotCrlOf(crl: Crl, issuer: Certificate): string | undefined {
  if (crl.issuer.id !== issuer.subject.id) return 'it names another issuer';
  if (issuer.extensions.keyUsage?.has(keyUsageBits.cRLSign) === false)
    return `${subjectText(issuer)} may not sign revocation lists`;
  const { key } = issuer.publicKey;
  if (key === undefined || !signedBy(key, crl.algorithm, crl.tbs, crl.signature))
    return `the signature is not by ${subjectText(issuer)}`;
  return undefined;
}

/** Whether a list speaks of this certificate. */
export function covers({ scope }: Crl, { extensions }: Certificate): boolean {
  const authority = extensions.basicConstraints?.ca === true;
  if (scope.of !== 'all' && authority !== (scope.of === 'authorities')) return false;
  return scope.points === undefined || scope.points.some((point) => extensions.crlUrls.includes(point));
}

/** Whether one list is later than another of the same issuer. */
export function isLater(one: Crl, other: Crl): boolean {
  if (one.number === undefined || other.number === undefined || one.number === other.number)
    return one.thisUpdate > other.thisUpdate;
  return BigInt(`0x${one.number}`) > BigInt(`0x${other.number}`);
}
