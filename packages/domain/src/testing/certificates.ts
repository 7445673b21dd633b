import { constants, generateKeyPairSync, type KeyObject, type RSAPSSKeyPairKeyObjectOptions, sign } from 'node:crypto';
import { concat } from '@vouchsafe/bytes/hex';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import type { OnOddity } from '../x509/der.ts';
import { bits, boolean, der, integer, namedBits, nothing, octetString, oid, sequence, string, time } from './der.ts';
import { testTime } from './group.ts';

/** Kinds of keys and signatures that certificates of TPM makers have. */
export type KeyKind = 'p256' | 'p384' | 'p521' | 'rsa2048' | 'rsa3072' | 'rsa4096' | 'rsa1024' | 'rsa-pss' | 'k256';

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const makers: Readonly<Record<KeyKind, () => Pair>> = {
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  k256: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
  rsa1024: () => generateKeyPairSync('rsa', { modulusLength: 1024 }),
  rsa2048: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  rsa3072: () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
  rsa4096: () => generateKeyPairSync('rsa', { modulusLength: 4096 }),
  // A key that is for RSASSA-PSS alone (RFC 4055, 1.2): id-RSASSA-PSS without parameters.
  'rsa-pss': () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 } as RSAPSSKeyPairKeyObjectOptions),
};

/** A fresh pair of keys. */
export const pairOf = (kind: KeyKind): Pair => makers[kind]();

/** How something is signed. */
export type Signing = 'ecdsa-sha256' | 'ecdsa-sha384' | 'rsa-sha1' | 'rsa-sha256' | 'rsa-md5' | 'pss-sha256';

const pssSha256 = sequence(
  oid('1.2.840.113549.1.1.10'),
  sequence(
    der(0xa0, sequence(oid('2.16.840.1.101.3.4.2.1'), nothing)),
    der(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sequence(oid('2.16.840.1.101.3.4.2.1'), nothing))),
    der(0xa2, integer(32)),
  ),
);

const signings: Readonly<Record<Signing, { id: Uint8Array<ArrayBuffer>; hash: string; pss?: true }>> = {
  'ecdsa-sha256': { id: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  'ecdsa-sha384': { id: sequence(oid('1.2.840.10045.4.3.3')), hash: 'sha384' },
  'rsa-sha1': { id: sequence(oid('1.2.840.113549.1.1.5'), nothing), hash: 'sha1' },
  'rsa-sha256': { id: sequence(oid('1.2.840.113549.1.1.11'), nothing), hash: 'sha256' },
  'rsa-md5': { id: sequence(oid('1.2.840.113549.1.1.4'), nothing), hash: 'md5' },
  'pss-sha256': { id: pssSha256, hash: 'sha256', pss: true },
};

/** An attribute of a name: its type, its text, and the tag of another kind of string. */
export type Attribute = readonly [type: string, value: string, tag?: number];

const types: Readonly<Record<string, string>> = { CN: '2.5.4.3', O: '2.5.4.10', C: '2.5.4.6', OU: '2.5.4.11' };

/** A Name: one attribute a set, or several. */
export const nameDer = (...rdns: readonly (Attribute | readonly Attribute[])[]): Uint8Array<ArrayBuffer> =>
  sequence(
    ...rdns.map((rdn) => {
      const attributes = (typeof rdn[0] === 'string' ? [rdn] : rdn) as readonly Attribute[];
      return der(
        0x31,
        ...attributes.map(([type, value, tag]) => sequence(oid(types[type] ?? type), string(value, tag))),
      );
    }),
  );

/** An extension with its value in DER. */
export const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array<ArrayBuffer> =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));

export const basicConstraints = (ca: boolean, pathLength?: number): Uint8Array<ArrayBuffer> =>
  extension(
    '2.5.29.19',
    true,
    sequence(...(ca ? [boolean(true)] : []), ...(pathLength === undefined ? [] : [integer(pathLength)])),
  );

export const keyUsage = (...usages: readonly number[]): Uint8Array<ArrayBuffer> =>
  extension('2.5.29.15', true, namedBits(usages));

export const purposes = (...ids: readonly string[]): Uint8Array<ArrayBuffer> =>
  extension('2.5.29.37', false, sequence(...ids.map(oid)));

/** Names that a CA permits and excludes; each a GeneralName in DER. */
export const nameConstraints = (
  permitted: readonly Uint8Array[],
  excluded: readonly Uint8Array[] = [],
): Uint8Array<ArrayBuffer> => {
  const trees = (tag: number, names: readonly Uint8Array[]) =>
    names.length === 0 ? [] : [der(tag, ...names.map((name) => sequence(name)))];
  return extension('2.5.29.30', true, sequence(...trees(0xa0, permitted), ...trees(0xa1, excluded)));
};

/** directoryName of a GeneralName. */
export const directory = (name: Uint8Array): Uint8Array<ArrayBuffer> => der(0xa4, name);

export const alternativeNames = (critical: boolean, ...names: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  extension('2.5.29.17', critical, sequence(...names));

/** The attributes of a TPM as an alternative name. */
export const tpmName = (manufacturer: string, model: string, version: string): Uint8Array<ArrayBuffer> =>
  directory(nameDer(['2.23.133.2.1', manufacturer], ['2.23.133.2.2', model], ['2.23.133.2.3', version]));

/** A certificate with the key that it is for: it may issue others. */
export interface Made {
  readonly certificate: Certificate;
  readonly der: Uint8Array<ArrayBuffer>;
  readonly name: Uint8Array<ArrayBuffer>;
  readonly pair: Pair;
}

export interface Wanted {
  /** Common name, or a Name in DER. */
  readonly subject: string | Uint8Array<ArrayBuffer>;
  /** Without an issuer it signs itself. */
  readonly by?: Made;
  /** Another name of the issuer than its own. */
  readonly issuerName?: Uint8Array<ArrayBuffer>;
  readonly pair?: Pair;
  readonly kind?: KeyKind;
  /** Other octets of the key than those of the pair. */
  readonly spki?: Uint8Array;
  readonly serial?: readonly number[];
  readonly version?: number;
  /** Seconds from now. */
  readonly from?: number;
  readonly until?: number;
  readonly signing?: Signing;
  /** The algorithm named inside, when it is another one than outside. */
  readonly innerAlgorithm?: Uint8Array;
  readonly extensions?: readonly Uint8Array[];
  readonly odd?: OnOddity;
}

const day = 86400;
let serials = 1;

/** What a CA of a maker has. */
export const caExtensions = [basicConstraints(true), keyUsage(5, 6)];
/** What the certificate of an EK with an EC key has. */
export const ekExtensions = [basicConstraints(false), keyUsage(4), purposes('2.23.133.8.1')];

/** Makes a certificate; a CA unless other extensions are wanted. */
export function make(wanted: Wanted): Made {
  const { by, kind = 'p256', from = -day, until = day, extensions = caExtensions, version = 2 } = wanted;
  const pair = wanted.pair ?? pairOf(kind);
  const name = typeof wanted.subject === 'string' ? nameDer(['CN', wanted.subject]) : wanted.subject;
  const signer = by?.pair.privateKey ?? pair.privateKey;
  const signing = wanted.signing ?? usualSigning(signer);
  const serial = wanted.serial ?? [0x40, (serials >> 8) & 0xff, serials++ & 0xff];
  const tbs = sequence(
    ...(version === 0 ? [] : [der(0xa0, integer(version))]),
    integer(...serial),
    wanted.innerAlgorithm ?? signings[signing].id,
    wanted.issuerName ?? by?.name ?? name,
    sequence(time(testTime + from), time(testTime + until)),
    name,
    wanted.spki ?? pair.publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const octets = signed(tbs, signing, signer);
  return { certificate: readCertificate(octets, wanted.odd), der: octets, name, pair };
}

/** Wraps and signs what stands in a certificate or a list. */
export function signed(tbs: Uint8Array, signing: Signing, key: KeyObject): Uint8Array<ArrayBuffer> {
  const { id, hash, pss } = signings[signing];
  const padding = pss === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  return sequence(concat(tbs), id, bits(sign(hash, tbs, { key, ...padding })));
}

const usualSigning = (key: KeyObject): Signing =>
  (({ ec: 'ecdsa-sha256', 'rsa-pss': 'pss-sha256' }) as const)[key.asymmetricKeyType as 'ec' | 'rsa-pss'] ??
  'rsa-sha256';

/** The certificate of an EK under a CA. */
export const makeEk = (by: Made, wanted: Partial<Wanted> = {}): Made =>
  make({ subject: 'tpm', by, extensions: ekExtensions, ...wanted });

export interface WantedCrl {
  readonly by: Made;
  readonly issuerName?: Uint8Array;
  readonly key?: KeyObject;
  readonly revoked?: readonly (Made | { readonly serial: readonly number[]; readonly extensions?: Uint8Array })[];
  /** Seconds from now. */
  readonly from?: number;
  /** Seconds from now; none when undefined is given. */
  readonly until?: number | undefined;
  readonly number?: number;
  readonly extensions?: readonly Uint8Array[];
}

/** Makes a revocation list. */
export function makeCrl(wanted: WantedCrl): Uint8Array<ArrayBuffer> {
  const { by, revoked = [], from = -day, number = 1, extensions = [] } = wanted;
  const until = 'until' in wanted ? wanted.until : day;
  const key = wanted.key ?? by.pair.privateKey;
  const signing = usualSigning(key);
  const entries = revoked.map((each) =>
    'serial' in each
      ? sequence(
          integer(...each.serial),
          time(testTime + from),
          ...(each.extensions === undefined ? [] : [each.extensions]),
        )
      : sequence(der(2, Buffer.from(each.certificate.serial, 'hex')), time(testTime + from)),
  );
  const list = [extension('2.5.29.20', false, integer(number)), ...extensions];
  const tbs = sequence(
    integer(1),
    signings[signing].id,
    wanted.issuerName ?? by.name,
    time(testTime + from),
    ...(until === undefined ? [] : [time(testTime + until)]),
    ...(entries.length === 0 ? [] : [sequence(concat(...entries))]),
    der(0xa0, sequence(...list)),
  );
  return signed(tbs, signing, key);
}
