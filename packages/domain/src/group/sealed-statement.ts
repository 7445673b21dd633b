import type { KeyObject, X509Certificate } from 'node:crypto';
import { concat } from '@vouchsafe/bytes/hex';
import type { Secret } from '@vouchsafe/bytes/secret';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, FlattenedSign, flattenedVerify } from 'jose';
import { type EcJwk, keyOf, thumbprint } from '../keys/jwk.ts';
import type { Problem } from '../problem.ts';
import { certificateOf } from './group.ts';

/** A kind of secret that travels signed and sealed. */
export interface SealedKind {
  /** `typ` of the inner JWS and of the outer JWE, so that one kind is never taken for another. */
  readonly inner: string;
  readonly outer: string;
  /** Certificates that stand in `x5c`: that of the signer, and what leads from it to the root that is pinned. */
  readonly certificates: 1 | 2;
  /** Longest one that is looked at, in characters. */
  readonly limit: number;
  /** Who may have signed and who it is for, for messages. */
  readonly signer: string;
  readonly recipient: string;
  /** How a refusal is said. */
  readonly refuse: (why: string, cause?: unknown) => Problem;
}

/** A statement whose signature holds; whether its signer may make it is not decided here. */
export interface OpenedStatement {
  readonly claims: unknown;
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
  /** The secret octets. Whoever gets them wipes them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const newline = 0x0a;
const sealing = { alg: 'ECDH-ES', enc: 'A256GCM' } as const;

/**
 * Signs and seals a secret: JWE(JWS). The inner JWS (ES256) has its claims in the header and the raw octets as
 * unencoded, detached payload (RFC 7797; RFC 7515, appendix F), so that no string of the secret comes into being; the
 * plaintext of the outer JWE is `header..signature`, a line end, and the octets.
 * @param certificates in the order of `x5c`; the first is the signer's
 */
export async function sealStatement(
  kind: SealedKind,
  { key, certificates }: { readonly key: KeyObject; readonly certificates: readonly X509Certificate[] },
  recipient: EcJwk,
  claims: object,
  secret: Secret,
): Promise<string> {
  const x5c = certificates.map(({ raw }) => raw.toString('base64'));
  const header = { alg: 'ES256', b64: false, crit: ['b64'], typ: kind.inner, x5c, claims };
  const plaintext = await secret.use(async (bytes) => {
    const signed = await new FlattenedSign(bytes).setProtectedHeader(header).sign(key);
    return concat(Buffer.from(`${signed.protected}..${signed.signature}\n`), bytes);
  });
  try {
    return await new CompactEncrypt(plaintext)
      .setProtectedHeader({ ...sealing, typ: kind.outer, kid: thumbprint(recipient) })
      .encrypt(keyOf(recipient, 'enc'));
  } finally {
    plaintext.fill(0);
  }
}

/**
 * Opens what was sealed to us and checks its signature. An outer JWE alone proves nothing about its sender: anybody can
 * make one to a public key. The certificates come from the header, so nothing is believed before they were held against
 * what is pinned.
 * @throws {Problem} as `refuse` says
 */
export async function openStatement(kind: SealedKind, privateKey: KeyObject, sealed: string): Promise<OpenedStatement> {
  const plaintext = await decrypt(kind, privateKey, sealed);
  try {
    const end = plaintext.indexOf(newline);
    if (end < 0) throw kind.refuse('it is not signed');
    const [header = '', empty, signature = '', ...rest] = Buffer.from(plaintext.subarray(0, end)).toString().split('.');
    if (empty !== '' || rest.length > 0) throw kind.refuse('its signature is not a detached one');
    const { claims, certificates } = headerOf(kind, header);
    const payload = plaintext.subarray(end + 1);
    await flattenedVerify({ protected: header, signature, payload }, certificates[0].publicKey, {
      algorithms: ['ES256'],
    }).catch((cause) => Promise.reject(kind.refuse('its signature does not hold', cause)));
    return { claims, certificates, bytes: Uint8Array.from(payload) };
  } finally {
    plaintext.fill(0);
  }
}

async function decrypt(kind: SealedKind, privateKey: KeyObject, sealed: string): Promise<Uint8Array> {
  if (sealed.length > kind.limit) throw kind.refuse(`it is longer than ${kind.limit} characters`);
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, privateKey, {
      keyManagementAlgorithms: [sealing.alg],
      contentEncryptionAlgorithms: [sealing.enc],
    });
    if (protectedHeader.typ !== kind.outer) throw new TypeError('typ');
    return plaintext;
  } catch (cause) {
    throw kind.refuse(`it is not sealed to the key of ${kind.recipient}`, cause);
  }
}

function headerOf(kind: SealedKind, encoded: string): Pick<OpenedStatement, 'claims' | 'certificates'> {
  try {
    const header = decodeProtectedHeader({ protected: encoded });
    const x5c = header.x5c ?? [];
    if (header.alg !== 'ES256' || header.typ !== kind.inner || header.b64 !== false || x5c.length !== kind.certificates)
      throw new TypeError('header');
    const [first, ...others] = x5c.map((each) => certificateOf(Buffer.from(String(each), 'base64'), 'x5c'));
    return { claims: header.claims, certificates: [first!, ...others] };
  } catch (cause) {
    throw kind.refuse(`it is not signed by ${kind.signer}`, cause);
  }
}
