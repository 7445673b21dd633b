import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import Type from 'typebox';
import { Problem } from '../problem.ts';

/** RFC 7517 and 7518, 6.2.1: a public P-256 key; the only kind that tokens are bound to. */
export const EcJwk = Type.Object(
  {
    kty: Type.Literal('EC'),
    crv: Type.Literal('P-256'),
    x: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    y: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  },
  { additionalProperties: false },
);
export type EcJwk = Type.Static<typeof EcJwk>;

/** The public half as a JWK with its four members in a fixed order. */
export function jwkOf(key: KeyObject): EcJwk {
  const { x, y } = key.export({ format: 'jwk' });
  return { kty: 'EC', crv: 'P-256', x: String(x), y: String(y) };
}

/**
 * The key of a JWK; OpenSSL refuses a point that is not on the curve.
 * @throws {Problem} `input.invalid`
 */
export function keyOf(jwk: EcJwk, field: string): KeyObject {
  try {
    fromBase64url(jwk.x);
    fromBase64url(jwk.y);
    return createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch (cause) {
    throw new Problem('input.invalid', `${field}: expected a point on P-256`, { cause });
  }
}

/** RFC 7638: SHA-256 thumbprint, base64url. */
export const thumbprint = ({ crv, kty, x, y }: EcJwk): string =>
  createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');

export interface EcPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A new P-256 key pair. */
export const newPair = (): EcPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });
