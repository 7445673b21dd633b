import { contextTag, Der, type Element, type OnOddity, tags } from './der.ts';
import { booleanOf, namedBitsOf, oidOf, smallIntegerOf } from './der-values.ts';
import { type GeneralName, readGeneralName, readGeneralNames } from './general-name.ts';
import { type NameConstraints, readNameConstraints } from './name-constraints.ts';

/** An extension as it stands: whether whoever does not understand it must refuse, and its octets. */
export interface RawExtension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export const extensionIds = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const;

/** Bits of KeyUsage (RFC 5280, 4.2.1.3). */
export const keyUsageBits = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
  encipherOnly: 7,
  decipherOnly: 8,
} as const;

/** What the extensions say that are understood; all of it is unverified. */
export interface Extensions {
  readonly raw: ReadonlyMap<string, RawExtension>;
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | undefined } | undefined;
  readonly keyUsage: ReadonlySet<number> | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAltName: readonly GeneralName[] | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly subjectKeyIdentifier: Uint8Array | undefined;
  readonly authorityKeyIdentifier: Uint8Array | undefined;
  /** Where the issuer's certificate may be fetched. */
  readonly issuerUrls: readonly string[];
  /** Where revocation lists may be fetched. */
  readonly crlUrls: readonly string[];
}

const maxExtensions = 64;
const maxUrls = 16;

/** Reads `Extensions` (RFC 5280, 4.1.2.9). One that stands twice is refused: readers would differ. @throws {DecodeError} */
export function readRawExtensions(extensions: Der): Map<string, RawExtension> {
  const found = new Map<string, RawExtension>();
  for (const each of extensions.rest('extension', maxExtensions)) {
    if (each.tag !== tags.sequence) each.fail('expected an extension');
    const fields = each.inside();
    const id = oidOf(fields.take(tags.oid, 'id'));
    const flag = fields.optional(tags.boolean, 'critical');
    const critical = flag !== undefined && booleanOf(flag);
    if (flag !== undefined && !critical) flag.odd('explicit-default');
    const { value } = fields.take(tags.octetString, 'value');
    fields.finish();
    if (found.has(id)) each.fail(`extension ${id} stands twice`);
    found.set(id, { critical, value });
  }
  return found;
}

/** Understands what there is. @throws {DecodeError} naming the extension */
export function readExtensions(raw: ReadonlyMap<string, RawExtension>, odd: OnOddity): Extensions {
  const read = <T>(name: keyof typeof extensionIds, reader: (der: Der) => T): T | undefined => {
    const extension = raw.get(extensionIds[name]);
    if (extension === undefined) return undefined;
    const der = Der.over(extension.value, name, odd);
    const value = reader(der);
    der.finish();
    return value;
  };
  return {
    raw,
    basicConstraints: read('basicConstraints', basicConstraints),
    keyUsage: read('keyUsage', (der) => namedBitsOf(der.take(tags.bitString, 'usages'))),
    extendedKeyUsage: read('extendedKeyUsage', (der) =>
      [...der.enter(tags.sequence, 'purposes').rest('purpose', maxExtensions)].map(oidOf),
    ),
    subjectAltName: read('subjectAltName', (der) => readGeneralNames(der.enter(tags.sequence, 'names'))),
    nameConstraints: read('nameConstraints', readNameConstraints),
    subjectKeyIdentifier: read('subjectKeyIdentifier', (der) => der.take(tags.octetString, 'id').value),
    authorityKeyIdentifier: read('authorityKeyIdentifier', readKeyIdentifier),
    issuerUrls: told(() => read('authorityInfoAccess', issuerUrls)),
    crlUrls: told(() => read('crlDistributionPoints', crlUrls)),
  };
}

/** Addresses decide nothing, so a list that cannot be read is none. */
function told(read: () => string[] | undefined): string[] {
  try {
    return read() ?? [];
  } catch {
    return [];
  }
}

function basicConstraints(der: Der) {
  const fields = der.enter(tags.sequence, 'constraints');
  const flag = fields.optional(tags.boolean, 'cA');
  const ca = flag !== undefined && booleanOf(flag);
  if (flag !== undefined && !ca) flag.odd('explicit-default');
  const most = fields.optional(tags.integer, 'pathLenConstraint');
  fields.finish();
  return { ca, pathLength: most === undefined ? undefined : smallIntegerOf(most, 0xffff) };
}

/** AuthorityKeyIdentifier (RFC 5280, 4.2.1.1): only the key's; name and serial number are not used. */
export function readKeyIdentifier(der: Der): Uint8Array | undefined {
  const fields = der.enter(tags.sequence, 'identifier');
  const id = fields.optional(contextTag(0, 'primitive'), 'keyIdentifier')?.value;
  for (const _ of fields.rest('field', 2));
  return id;
}

/** id-ad-caIssuers (RFC 5280, 4.2.2.1). */
const caIssuers = '1.3.6.1.5.5.7.48.2';

function issuerUrls(der: Der): string[] {
  return [...der.enter(tags.sequence, 'descriptions').rest('description', maxUrls)].flatMap((each) => {
    const fields = each.inside();
    const method = oidOf(fields.take(tags.oid, 'method'));
    return method === caIssuers ? urlsOf([fields.any('location')]) : [];
  });
}

/** CRLDistributionPoints (RFC 5280, 4.2.1.13): only full names are addresses. */
function crlUrls(der: Der): string[] {
  return [...der.enter(tags.sequence, 'points').rest('point', maxUrls)].flatMap((each) => {
    const point = each.inside().optional(contextTag(0), 'distributionPoint');
    return point === undefined ? [] : fullNamesOf(point);
  });
}

/** The addresses in a DistributionPointName. @throws {DecodeError} */
export function fullNamesOf(point: Element): string[] {
  const full = point.inside().optional(contextTag(0), 'fullName');
  return full === undefined ? [] : urlsOf([...full.inside().rest('name', maxUrls)]);
}

const urlsOf = (names: readonly Element[]): string[] =>
  names.map(readGeneralName).flatMap((name) => (name.kind === 'uri' ? [name.text] : []));
