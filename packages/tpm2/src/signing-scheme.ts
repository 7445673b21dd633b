import type { HashName } from './algorithms.ts';
import { TpmError } from './error.ts';
import type { TpmtPublic } from './public.ts';

/** The signature schemes that a verifier of public keys can check. */
export type SigningSchemeName = 'rsassa' | 'rsapss' | 'ecdsa';

/** A signature scheme and its hash. */
export interface SigningScheme {
  readonly scheme: SigningSchemeName;
  readonly hash: HashName;
}

const verifiable: ReadonlySet<string> = new Set<SigningSchemeName>(['rsassa', 'rsapss', 'ecdsa']);

/**
 * The signature scheme that is fixed in a key's public area. A restricted signing key always has one (Part 2,
 * 12.2.3.5), and it alone says what its signatures look like.
 * @throws {TpmError} `key` when the key has none, or one without a public key to check it
 */
export function signingSchemeOf(area: TpmtPublic): SigningScheme {
  if (area.type !== 'rsa' && area.type !== 'ecc')
    throw new TpmError('key', `a public area of type ${area.type} cannot be checked, expected rsa or ecc`);
  const { scheme, details } = area.parameters.scheme;
  if (!verifiable.has(scheme) || details === undefined)
    throw new TpmError('key', `the key's scheme is ${scheme}, expected rsassa, rsapss or ecdsa`);
  return { scheme: scheme as SigningSchemeName, hash: details.hashAlg };
}
