import 'reflect-metadata';
import { constants, createPublicKey, hash, type KeyObject, publicDecrypt, X509Certificate } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import * as x509 from '@peculiar/x509';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { concat, fromHex, hex } from '@vouchsafe/bytes/hex';
import { Problem } from '../../problem.ts';
import type { ListedHash } from './checksum-lines.ts';
import { type FileSignature, readFileSignature } from './signature.ts';

/** The keys whose signatures of files are believed. */
export interface Keyring {
  /** By the last four bytes of the key identifier, in hexadecimal. */
  readonly keys: ReadonlyMap<string, readonly KeyObject[]>;
  /** Digests of signatures that were found good: hosts of one distribution have the same files. */
  readonly good: Set<string>;
}

export const emptyKeyring: Keyring = { keys: new Map(), good: new Set() };

/** Signatures that are remembered; 100 bytes each. */
const maxGood = 50_000;

/**
 * What one log may cost. A signature of an elliptic curve takes about a millisecond: a host that has many new ones is
 * trusted after some attempts, since those that were looked at are remembered; one that makes them up is refused anyhow.
 */
export interface Effort {
  good: number;
  bad: number;
}
export const effortForOneLog = (): Effort => ({ good: 2000, bad: 50 });

/**
 * Reads certificates and public keys, PEM.
 * @throws {Problem} `input.malformed` naming the one that is neither, or that is too short or of another kind
 */
export function keyringOf(pems: readonly string[]): Keyring {
  const keys = new Map<string, KeyObject[]>();
  for (const [i, pem] of pems.entries()) {
    const { key, identifiers } = readKey(pem, `keys[${i}]`);
    for (const id of identifiers) keys.set(id, [...(keys.get(id) ?? []), key]);
  }
  return { keys, good: new Set() };
}

function readKey(pem: string, field: string): { key: KeyObject; identifiers: Set<string> } {
  const malformed = (why: string, cause?: unknown) => new Problem('input.malformed', `${field}: ${why}`, { cause });
  if (pem.includes('PRIVATE KEY')) throw malformed('a private key; expected a certificate or public key');
  let key: KeyObject;
  let own: string | undefined;
  try {
    const certificate = pem.includes('CERTIFICATE') ? new X509Certificate(pem) : undefined;
    key = certificate?.publicKey ?? createPublicKey(pem);
    own = certificate && subjectKeyIdentifier(certificate);
  } catch (cause) {
    throw malformed('expected a certificate or public key, PEM', cause);
  }
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const known =
    key.asymmetricKeyType === 'rsa' || (key.asymmetricKeyType === 'ec' && Object.hasOwn(curves, namedCurve));
  if (!known)
    throw malformed(`a key of kind ${key.asymmetricKeyType} ${namedCurve}, expected RSA, P-256, P-384 or P-521`);
  if (key.asymmetricKeyType === 'rsa' && modulusLength < 2048)
    throw malformed(`an RSA key of ${modulusLength} bits, expected 2048 or more`);
  const computed = hex(hash('sha1', publicBits(key), 'buffer'));
  return { key, identifiers: new Set([computed, own ?? computed].map((id) => id.slice(-8))) };
}

/** Content of subjectPublicKey, over which key identifiers are made (RFC 5280, 4.2.1.2). */
const publicBits = (key: KeyObject): Uint8Array =>
  key.asymmetricKeyType === 'rsa' ? key.export({ type: 'pkcs1', format: 'der' }) : pointOf(key);

/** Uncompressed point (SEC 1, 2.3.3). */
function pointOf(key: KeyObject): Uint8Array {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return concat(Uint8Array.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url'));
}

/** By the names that OpenSSL gives them. */
const curves = { prime256v1: p256, secp384r1: p384, secp521r1: p521 } as const;

function subjectKeyIdentifier(certificate: X509Certificate): string | undefined {
  const extension = new x509.X509Certificate(certificate.raw).getExtension(x509.SubjectKeyIdentifierExtension);
  return extension?.keyId.toLowerCase();
}

/** DigestInfo before the digest (RFC 8017, 9.2, note 1). */
const digestInfo: Readonly<Record<ListedHash, Uint8Array>> = {
  sha256: fromHex('3031300d060960864801650304020105000420'),
  sha384: fromHex('3041300d060960864801650304020205000430'),
  sha512: fromHex('3051300d060960864801650304020305000440'),
};

/**
 * Whether a field `sig` is a signature over this digest by a key of the keyring. It says who made the content, not
 * under which name.
 * @param algorithm hash that made the digest; the signature must name the same
 * @param effort what is left of what a log may cost
 */
export function isSigned(
  { keys, good }: Keyring,
  algorithm: string,
  digest: Uint8Array,
  field: Uint8Array,
  effort: Effort = effortForOneLog(),
): boolean {
  if (keys.size === 0) return false;
  const found = readFileSignature(field);
  if (found === undefined || found.hash !== algorithm) return false;
  const candidates = keys.get(hex(found.keyid));
  if (candidates === undefined) return false;
  const signed = found.prefix === undefined ? digest : hash(found.hash, concat(found.prefix, digest), 'buffer');
  const known = hash('sha256', concat(field, signed), 'base64');
  if (good.has(known)) return true;
  const holds = candidates.some((key) =>
    key.asymmetricKeyType === 'rsa' ? verifiesRsa(key, found, signed) : verifiesEc(key, found, signed, effort),
  );
  if (holds && good.size < maxGood) good.add(known);
  return holds;
}

/** RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2) over a digest that the kernel made: Node verifies only what it hashed itself. */
function verifiesRsa(key: KeyObject, { hash, signature }: FileSignature, signed: Uint8Array): boolean {
  try {
    const opened = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
    return equalBytes(opened, concat(digestInfo[hash], signed));
  } catch {
    return false;
  }
}

/** ECDSA (SEC 1, 4.1.4) over the same; the signature is DER, of either sign. */
function verifiesEc(key: KeyObject, { signature }: FileSignature, signed: Uint8Array, effort: Effort): boolean {
  if (effort.good === 0 || effort.bad === 0) return false;
  const curve = curves[key.asymmetricKeyDetails?.namedCurve as keyof typeof curves];
  let holds = false;
  try {
    holds = curve.verify(signature, signed, pointOf(key), { prehash: false, lowS: false, format: 'der' });
  } catch {
    // Not DER, or numbers that no signature has.
  }
  effort[holds ? 'good' : 'bad']--;
  return holds;
}
