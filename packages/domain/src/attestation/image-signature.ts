import { createPublicKey, type KeyObject } from 'node:crypto';
import { FlattenedSign, flattenedVerify } from 'jose';
import Type, { type Static } from 'typebox';
import { parseJson } from '../parse.ts';
import { Problem } from '../problem.ts';
import { maxStatement } from './image-file.ts';

/** Somebody whose signature makes a base image one of ours. */
export const ImageSigner = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$' }),
    /** PEM, SubjectPublicKeyInfo: P-256 or Ed25519. */
    key: Type.String({ maxLength: 1024 }),
    by: Type.String({ maxLength: 256 }),
    /** ISO 8601. */
    since: Type.String({ maxLength: 32 }),
  },
  { additionalProperties: false },
);
export type ImageSigner = Static<typeof ImageSigner>;

/** Absent: `required` as soon as a signer is listed. */
export const ImageSettings = Type.Object(
  { image_signature: Type.Optional(Type.Union([Type.Literal('off'), Type.Literal('required')])) },
  { additionalProperties: false },
);
export type ImageSettings = Static<typeof ImageSettings>;

const typ = 'vs-image+jws';

/**
 * Signs an image file: compact JWS (RFC 7515) over its exact octets, which are left out (appendix F). Nothing is
 * canonicalised, so nobody has to agree on how JSON is written.
 * @throws {Problem} `input.invalid` when the key is neither P-256 nor Ed25519
 */
export async function signImageFile(octets: Uint8Array, key: KeyObject): Promise<string> {
  const alg = algorithmOf(key, 'key');
  const { protected: header, signature } = await new FlattenedSign(octets).setProtectedHeader({ alg, typ }).sign(key);
  return `${header}..${signature}`;
}

/**
 * The signer of an image file, out of those that are listed. The header chooses nothing: each listed key is tried with
 * its own algorithm, and a header that brings a key or anything else we do not know is refused.
 * @param jws compact, with the octets left out, or with exactly these octets
 * @throws {Problem} `image.untrusted`
 */
export async function verifyImageSignature(
  octets: Uint8Array,
  jws: string,
  signers: readonly ImageSigner[],
): Promise<ImageSigner> {
  const { header, signature } = partsOf(octets, jws);
  const alg = algorithmOfHeader(header);
  const payload = Buffer.from(octets).toString('base64url');
  for (const signer of signers) {
    const key = signerKey(signer.name, signer.key);
    if (algorithmOf(key, signer.name) !== alg) continue;
    try {
      await flattenedVerify({ protected: header, payload, signature }, key, { algorithms: [alg] });
      return signer;
    } catch {
      // Another one may have signed it.
    }
  }
  throw refused(
    signers.length === 0
      ? 'no signer is listed'
      : 'the signature is by none of the listed signers, or the file was changed',
  );
}

/** @throws {Problem} `input.malformed` when it is no public key, `input.invalid` when it is of another kind */
export function signerKey(name: string, pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: pem, format: 'pem' });
  } catch (cause) {
    throw new Problem('input.malformed', `key of ${name}: expected a PEM public key`, { cause });
  }
  algorithmOf(key, name);
  return key;
}

function algorithmOf(key: KeyObject, what: string): 'ES256' | 'EdDSA' {
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  throw new Problem('input.invalid', `key of ${what}: expected P-256 or Ed25519`);
}

function partsOf(octets: Uint8Array, jws: string): { header: string; signature: string } {
  const trimmed = jws.trim();
  const [header, payload, signature, ...more] = trimmed.split('.');
  if (!header || payload === undefined || !signature || more.length > 0)
    throw refused('the signature is no compact JWS');
  if (header.length + signature.length > maxStatement) throw refused('the signature is too long');
  if (payload !== '' && payload !== Buffer.from(octets).toString('base64url'))
    throw refused('the signature is over another file');
  return { header, signature };
}

/** Only what is known here may stand in a header: `crit`, `b64` and keys change what a signature means. */
function algorithmOfHeader(header: string): 'ES256' | 'EdDSA' {
  const value = parsedHeader(header);
  const { alg, typ: kind, kid: _kid, ...more } = value;
  const [extra] = Object.keys(more);
  if (extra !== undefined) throw refused(`the header of the signature holds ${extra.slice(0, 32)}`);
  if (kind !== typ) throw refused(`the signature is of another kind, expected typ ${typ}`);
  if (alg !== 'ES256' && alg !== 'EdDSA') throw refused('the signature has another algorithm, expected ES256 or EdDSA');
  return alg;
}

function parsedHeader(header: string): Record<string, unknown> {
  try {
    const value = parseJson('header', Buffer.from(header, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw refused('the header of the signature is no JSON object');
}

const refused = (why: string): Problem => new Problem('image.untrusted', why);
