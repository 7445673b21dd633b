import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

/** The private key as PKCS#8 PEM text, for a file that only its owner may read. */
export const privateKeyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

/** The public half of a private key. */
export const publicHalf = (key: KeyObject): KeyObject => createPublicKey(key);

/** A private key from PEM text. @throws {Error} when the text holds none */
export const parsePrivateKey = (pem: string | Buffer): KeyObject => createPrivateKey(pem);

/** SHA-256 over the certificate's DER octets, 64 lower-case hexadecimal digits: what identifies a pinned certificate. */
export const fingerprint = (certificate: X509Certificate): string =>
  certificate.fingerprint256.replaceAll(':', '').toLowerCase();

/** The certificate of PEM text or DER octets. @throws {Error} when there is none */
export const parseCertificate = (encoded: string | Uint8Array): X509Certificate =>
  new X509Certificate(typeof encoded === 'string' ? encoded : Buffer.from(encoded));
