import 'reflect-metadata';
import { constants, createPublicKey, hash, type KeyObject, publicDecrypt, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { concat, fromHex, hex } from '@vouchsafe/bytes/hex';
import { Problem } from '../../problem.ts';
import type { ListedHash } from './checksum-lines.ts';
import { readFileSignature } from './signature.ts';

/** The keys whose signatures of files are believed. */
export interface Keyring {
  /** By the last four bytes of the key identifier, in hexadecimal. */
  readonly keys: ReadonlyMap<string, readonly KeyObject[]>;
}

export const emptyKeyring: Keyring = { keys: new Map() };

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
  return { keys };
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
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== 'rsa') throw malformed(`a key of kind ${key.asymmetricKeyType}, expected RSA`);
  if (modulusLength < 2048) throw malformed(`an RSA key of ${modulusLength} bits, expected 2048 or more`);
  const computed = hex(hash('sha1', key.export({ type: 'pkcs1', format: 'der' }), 'buffer'));
  return { key, identifiers: new Set([computed, own ?? computed].map((id) => id.slice(-8))) };
}

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
 */
export function isSigned({ keys }: Keyring, algorithm: string, digest: Uint8Array, field: Uint8Array): boolean {
  if (keys.size === 0) return false;
  const found = readFileSignature(field);
  if (found === undefined || found.hash !== algorithm) return false;
  const signed = found.prefix === undefined ? digest : hash(found.hash, concat(found.prefix, digest), 'buffer');
  const message = concat(digestInfo[found.hash], signed);
  return (keys.get(hex(found.keyid)) ?? []).some((key) => verifies(key, message, found.signature));
}

/** RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2) over a digest that the kernel made: Node verifies only what it hashed itself. */
function verifies(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const opened = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
    return equalBytes(opened, message);
  } catch {
    return false;
  }
}
