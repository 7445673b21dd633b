import { createHash, X509Certificate } from 'node:crypto';
import { Problem } from '../problem.ts';

/** Names a group: base64url(SHA-256(SubjectPublicKeyInfo of its CA)). */
export const groupIdOf = (ca: X509Certificate): string =>
  createHash('sha256')
    .update(ca.publicKey.export({ format: 'der', type: 'spki' }))
    .digest('base64url');

/** A group as everybody outside sees it: its name and its CA, which is its only root of trust. */
export interface Group {
  readonly id: string;
  readonly ca: X509Certificate;
}

/**
 * A group from its CA certificate.
 * @param pinned when given, the thumbprint that the CA must have
 * @throws {Problem} `service.untrusted` when the CA is not the pinned one, `input.malformed` when it is no certificate
 */
export function groupOf(caPem: string, pinned?: string): Group {
  const ca = certificateOf(caPem, 'group CA');
  const id = groupIdOf(ca);
  if (pinned !== undefined && id !== pinned) {
    throw new Problem('service.untrusted', `the CA belongs to group ${id}, this host is pinned to ${pinned}`);
  }
  return { id, ca };
}

/**
 * A certificate whose key can be used: OpenSSL reads the key only when it is asked for, and by then nobody expects it.
 * @throws {Problem} `input.malformed`
 */
export function certificateOf(text: string | Uint8Array, what: string): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(text);
  } catch (cause) {
    throw new Problem('input.malformed', `${what}: not an X.509 certificate`, { cause });
  }
  try {
    certificate.publicKey.export({ format: 'der', type: 'spki' });
  } catch (cause) {
    throw new Problem('input.malformed', `${what}: the certificate holds no public key that can be read`, { cause });
  }
  return certificate;
}
