import { type KeyObject, sign, X509Certificate } from 'node:crypto';
import { base64url } from '@vouchsafe/bytes/base64url';
import { compactVerify, decodeProtectedHeader } from 'jose';
import type { Problem } from '../problem.ts';

/** A kind of signed statement within a group: attestation tokens, answers of the Key Provider Service. */
export interface StatementKind {
  /** `typ` of the header, so that one kind is never taken for another. */
  readonly typ: string;
  /** What it is called in messages. */
  readonly name: string;
  /** Longest one that is looked at, in characters. */
  readonly limit: number;
  /** How a refusal is said. */
  readonly refuse: (why: string, cause?: unknown) => Problem;
}

/** The text of a statement and the certificate of the key that signed it; whether that key may is not decided here. */
export interface SignedStatement {
  readonly text: string;
  readonly signer: X509Certificate;
}

/**
 * Signs a statement: compact JWS (RFC 7515), ES256, with the group CA's certificate for the key in its header. Made here
 * and not by a library, since one that signs through Web Crypto costs a thread's turn for each of thousands of tokens.
 * @throws {TypeError} when the key is not on P-256
 */
export async function signStatement(
  { typ }: StatementKind,
  key: KeyObject,
  certificate: X509Certificate,
  content: object,
): Promise<string> {
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new TypeError('ES256 needs a key on P-256');
  const header = { alg: 'ES256', typ, x5c: [certificate.raw.toString('base64')] };
  const input = [header, content].map((part) => base64url(Buffer.from(JSON.stringify(part)))).join('.');
  return `${input}.${base64url(sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }))}`;
}

/**
 * Checks form and signature of a statement. The certificate comes from the header, so nothing is believed before it
 * was held against the group; see `whyNotInRole`.
 * @throws {Problem} as `refuse` says
 */
export async function readStatement(kind: StatementKind, jws: string): Promise<SignedStatement> {
  if (jws.length > kind.limit) throw kind.refuse(`it is longer than ${kind.limit} characters`);
  const signer = signerOf(kind, jws);
  try {
    const { payload } = await compactVerify(jws, signer.publicKey, { algorithms: ['ES256'] });
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(payload), signer };
  } catch (cause) {
    throw kind.refuse('its signature does not hold', cause);
  }
}

function signerOf({ typ, name, refuse }: StatementKind, jws: string): X509Certificate {
  try {
    const header = decodeProtectedHeader(jws);
    if (header.alg !== 'ES256' || header.typ !== typ || header.x5c?.length !== 1) throw new TypeError('header');
    return new X509Certificate(Buffer.from(String(header.x5c[0]), 'base64'));
  } catch (cause) {
    throw refuse(`its header is not that of ${name}`, cause);
  }
}
