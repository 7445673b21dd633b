import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type AlternativeNames, alternativeNames, commonName } from './names.ts';
import { publicHalf } from './pem.ts';

/** A certificate authority: its self-signed certificate and the key that signs with it. */
export interface Authority {
  readonly certificatePem: string;
  readonly privateKey: KeyObject;
}

/** From and until when a certificate holds. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const { ExtendedKeyUsage: purposes, KeyUsageFlags: flags } = x509;

/**
 * What a certificate may be used for. Servers and clients carry keyEncipherment although ECDSA keys never encipher:
 * common TLS peers refuse a certificate without it.
 */
const usageFacts = {
  server: { flags: flags.digitalSignature | flags.keyEncipherment, purpose: purposes.serverAuth },
  client: { flags: flags.digitalSignature | flags.keyEncipherment, purpose: purposes.clientAuth },
  sign: { flags: flags.digitalSignature, purpose: undefined },
  agree: { flags: flags.keyAgreement, purpose: undefined },
} as const satisfies Record<string, { flags: number; purpose: string | undefined }>;

/** `server` and `client` of TLS, `sign` documents, `agree` on keys (ECDH). */
export type Usage = keyof typeof usageFacts;

const signing = { name: 'ECDSA', hash: 'SHA-256' };
const curve = { name: 'ECDSA', namedCurve: 'P-256' };

/** A fresh P-256 key pair. */
export const newKeyPair = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** What an authority's certificate is to say. */
interface AuthorityOrder extends Validity {
  readonly name: string;
  readonly privateKey?: KeyObject;
  readonly serial?: string;
  /** How many authorities may stand below it; none unless given (RFC 5280, 4.2.1.9). */
  readonly pathLength?: number;
}

/** Makes a P-256 authority with a certificate of its own. */
export const createAuthority = (order: AuthorityOrder): Promise<Authority> => makeAuthority(order);

/** Makes a P-256 authority below another one. */
export const createSubAuthority = (order: AuthorityOrder & { readonly issuer: Authority }): Promise<Authority> =>
  makeAuthority(order, order.issuer);

async function makeAuthority(order: AuthorityOrder, above?: Authority): Promise<Authority> {
  const privateKey = order.privateKey ?? newKeyPair().privateKey;
  const publicKey = spki(publicHalf(privateKey));
  const issuer = above === undefined ? undefined : new x509.X509Certificate(above.certificatePem);
  const certificate = await x509.X509CertificateGenerator.create({
    ...serialOf(order.serial),
    subject: commonName(order.name),
    issuer: issuer?.subjectName ?? commonName(order.name),
    notBefore: order.notBefore,
    notAfter: order.notAfter,
    publicKey,
    signingKey: signingKey(above?.privateKey ?? privateKey),
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, order.pathLength ?? 0, true),
      new x509.KeyUsagesExtension(flags.keyCertSign | flags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      ...(issuer === undefined ? [] : [await x509.AuthorityKeyIdentifierExtension.create(issuer)]),
    ],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKey };
}

/** What an end certificate is to say. */
export interface Issue extends Validity {
  readonly authority: Authority;
  readonly publicKey: KeyObject;
  /** The common name. */
  readonly subject: string;
  readonly sans?: AlternativeNames;
  readonly usages: readonly Usage[];
  /** Serial number, hexadecimal; 16 random octets when left out. */
  readonly serial?: string;
}

/** Issues an end certificate and returns it as PEM text. */
export async function issue(order: Issue): Promise<string> {
  const issuer = new x509.X509Certificate(order.authority.certificatePem);
  const certificate = await x509.X509CertificateGenerator.create({
    ...serialOf(order.serial),
    subject: commonName(order.subject),
    issuer: issuer.subjectName,
    notBefore: order.notBefore,
    notAfter: order.notAfter,
    publicKey: spki(order.publicKey),
    signingKey: signingKey(order.authority.privateKey),
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      ...usageExtensions(order.usages),
      ...alternativeNames(order.sans ?? {}),
      await x509.SubjectKeyIdentifierExtension.create(spki(order.publicKey)),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** A certificate that a key issues to itself; it may issue no others. Returns PEM text. */
export async function selfSigned(
  order: Validity & Pick<Issue, 'subject' | 'sans' | 'usages'> & { readonly privateKey: KeyObject },
): Promise<string> {
  const publicKey = spki(publicHalf(order.privateKey));
  const certificate = await x509.X509CertificateGenerator.create({
    subject: commonName(order.subject),
    issuer: commonName(order.subject),
    notBefore: order.notBefore,
    notAfter: order.notAfter,
    publicKey,
    signingKey: signingKey(order.privateKey),
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      ...usageExtensions(order.usages),
      ...alternativeNames(order.sans ?? {}),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** Whether a certificate was issued by an authority and holds at a time. */
export type IssueVerdict = { readonly issued: true } | { readonly issued: false; readonly reason: string };

/** Checks signature, issuer, roles (authority and end certificate) and validity of both at time `at`. */
export function verifyIssued(leafPem: string, caPem: string, at: Date): IssueVerdict {
  const [leaf, ca] = [new X509Certificate(leafPem), new X509Certificate(caPem)];
  const failed = issueChecks.find((check) => !check.holds(leaf, ca, at));
  return failed === undefined ? { issued: true } : { issued: false, reason: failed.otherwise };
}

const within = (certificate: X509Certificate, at: Date) =>
  certificate.validFromDate <= at && at <= certificate.validToDate;

const issueChecks: readonly {
  otherwise: string;
  holds(leaf: X509Certificate, ca: X509Certificate, at: Date): boolean;
}[] = [
  { otherwise: 'the issuer is not a certificate authority', holds: (_leaf, ca) => ca.ca },
  { otherwise: 'an authority stands where an end certificate was expected', holds: (leaf) => !leaf.ca },
  { otherwise: 'issued by another authority', holds: (leaf, ca) => leaf.checkIssued(ca) },
  { otherwise: 'the signature is not by this authority', holds: (leaf, ca) => leaf.verify(ca.publicKey) },
  { otherwise: 'the authority is not valid at this time', holds: (_leaf, ca, at) => within(ca, at) },
  { otherwise: 'the certificate is not valid at this time', holds: (leaf, _ca, at) => within(leaf, at) },
];

function usageExtensions(usages: readonly Usage[]): x509.Extension[] {
  const facts = usages.map((usage) => usageFacts[usage]);
  const named = facts.flatMap(({ purpose }) => (purpose === undefined ? [] : [purpose]));
  const keyUsage = facts.reduce((sum, each) => sum | each.flags, 0);
  return [
    new x509.KeyUsagesExtension(keyUsage, true),
    ...(named.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(named)]),
  ];
}

const spki = (key: KeyObject): Buffer<ArrayBuffer> =>
  Buffer.from(key.export({ type: 'spki', format: 'der' })) as Buffer<ArrayBuffer>;

const signingKey = (key: KeyObject) => key.toCryptoKey(curve, false, ['sign']);

const serialOf = (serial: string | undefined) => (serial === undefined ? {} : { serialNumber: serial });
