import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { concat } from '@vouchsafe/bytes/hex';
import Type from 'typebox';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import type { OtherBank } from './messages.ts';

const Octets32 = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });

const SealedChallenge = Type.Object(
  {
    nonce: Octets32,
    secret: Octets32,
    ek: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    ek_public: Type.String({ maxLength: 2048 }),
    ak: Type.String({ maxLength: 2048 }),
    bank: Type.Literal('sha256'),
    pcrs: Type.Array(Type.Integer({ minimum: 0, maximum: 23 }), { maxItems: 24 }),
    banks: Type.Optional(
      Type.Array(Type.Union([Type.Literal('sha1'), Type.Literal('sha384'), Type.Literal('sha512')])),
    ),
    body: Type.Optional(Type.Integer({ minimum: 0 })),
    epoch: Type.Integer({ minimum: 0 }),
    exp: Type.Integer(),
    jti: Type.String({ maxLength: 64 }),
  },
  { additionalProperties: false },
);

/**
 * What an Attestation Service remembers between the two rounds: nothing of its own, the host carries it, sealed under
 * a key that lives as long as the process. So a flood of challenges costs no memory, and no other instance can be
 * given this one's challenge.
 */
export interface Challenge {
  /** 32 random bytes that the quote must answer. */
  readonly nonce: Uint8Array;
  /** 32 random bytes that only the TPM with this EK can learn, by TPM2_ActivateCredential. */
  readonly secret: Uint8Array;
  /** SHA-256 of the EK's SubjectPublicKeyInfo, in hexadecimal. */
  readonly ek: string;
  /** TPMT_PUBLIC of the EK, as the host sent it. */
  readonly ekPublic: Uint8Array;
  /** TPMT_PUBLIC of the AK that the credential was made for. */
  readonly ak: Uint8Array;
  readonly bank: 'sha256';
  readonly pcrs: readonly number[];
  /** Banks to be quoted beside it. */
  readonly banks?: readonly OtherBank[];
  /** Longest evidence that is read for this challenge, in bytes. */
  readonly body?: number;
  /** Policy epoch at the time of the challenge. */
  readonly epoch: number;
  /** Seconds since 1970 after which the answer is refused. */
  readonly exp: number;
  readonly jti: string;
}

/** Always the same, so what comes back with another one is not ours. */
const header = base64url(Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', typ: 'vs-challenge+jwe' })));
const [ivBytes, tagBytes] = [12, 16];
const read = jsonReader('challenge', SealedChallenge);

/**
 * Seals a challenge: compact JWE (RFC 7516), `dir` with A256GCM under the key of this process. It is made here and not
 * by a library, since it is opened before anything else of a request is read, from whoever sends one.
 */
export function sealChallenge(key: KeyObject, challenge: Challenge): string {
  const { ekPublic, nonce, secret, ak, ...rest } = challenge;
  const text = JSON.stringify({
    ...rest,
    nonce: base64url(nonce),
    secret: base64url(secret),
    ek_public: base64url(ekPublic),
    ak: base64url(ak),
  });
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(header));
  const body = concat(cipher.update(text), cipher.final());
  return [header, '', iv, body, cipher.getAuthTag()]
    .map((part) => (typeof part === 'string' ? part : base64url(part)))
    .join('.');
}

/**
 * Opens a challenge that this process sealed.
 * @param now seconds since 1970
 * @throws {Problem} `challenge.elsewhere` when another instance made it, `challenge.expired` when it is too old
 */
export function openChallenge(key: KeyObject, sealed: string, now: number): Challenge {
  const { nonce, secret, ak, ek_public, ...rest } = read(unseal(key, sealed));
  if (now > rest.exp) throw new Problem('challenge.expired', `the challenge expired ${now - rest.exp} s ago`);
  return {
    ...rest,
    nonce: octets('nonce', nonce),
    secret: octets('secret', secret),
    ak: octets('ak', ak),
    ekPublic: octets('ek_public', ek_public),
  };
}

function octets(field: string, text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw new Problem('input.malformed', `challenge: ${field}: ${(cause as Error).message}`, { cause });
  }
}

function unseal(key: KeyObject, sealed: string): string {
  try {
    const [given, encryptedKey, iv, body, tag, ...more] = sealed.split('.');
    if (given !== header || encryptedKey !== '' || tag === undefined || more.length > 0) throw new TypeError('form');
    const decipher = createDecipheriv('aes-256-gcm', key, exactly(ivBytes, iv), { authTagLength: tagBytes })
      .setAAD(Buffer.from(header))
      .setAuthTag(exactly(tagBytes, tag));
    const plain = concat(decipher.update(fromBase64url(String(body))), decipher.final());
    return new TextDecoder().decode(plain);
  } catch (cause) {
    throw new Problem('challenge.elsewhere', 'the challenge was not made by this instance since its start', { cause });
  }
}

function exactly(size: number, text: string | undefined): Uint8Array {
  const bytes = fromBase64url(text ?? '');
  if (bytes.length !== size) throw new TypeError(`expected ${size} bytes`);
  return bytes;
}
