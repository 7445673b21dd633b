import type { KeyObject } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { CompactEncrypt, compactDecrypt } from 'jose';
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

const header = { alg: 'dir', enc: 'A256GCM', typ: 'vs-challenge+jwe' } as const;
const read = jsonReader('challenge', SealedChallenge);

/** Seals a challenge: compact JWE (RFC 7516), `dir` with A256GCM under the key of this process. */
export async function sealChallenge(key: KeyObject, challenge: Challenge): Promise<string> {
  const { ekPublic, nonce, secret, ak, ...rest } = challenge;
  const text = JSON.stringify({
    ...rest,
    nonce: base64url(nonce),
    secret: base64url(secret),
    ek_public: base64url(ekPublic),
    ak: base64url(ak),
  });
  return await new CompactEncrypt(Buffer.from(text)).setProtectedHeader(header).encrypt(key);
}

/**
 * Opens a challenge that this process sealed.
 * @param now seconds since 1970
 * @throws {Problem} `challenge.elsewhere` when another instance made it, `challenge.expired` when it is too old
 */
export async function openChallenge(key: KeyObject, sealed: string, now: number): Promise<Challenge> {
  const { nonce, secret, ak, ek_public, ...rest } = read(await unseal(key, sealed));
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

async function unseal(key: KeyObject, sealed: string): Promise<string> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    if (protectedHeader.typ !== header.typ) throw new TypeError('typ');
    return new TextDecoder().decode(plaintext);
  } catch (cause) {
    throw new Problem('challenge.elsewhere', 'the challenge was not made by this instance since its start', { cause });
  }
}
