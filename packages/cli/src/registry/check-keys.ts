import { createPublicKey } from 'node:crypto';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { sharedFactors } from '@vouchsafe/domain/attestation/common-factors';

/** An endorsement key as the registry or the list of pending TPMs has it. */
export interface CheckedKey {
  readonly ek: string;
  readonly name?: string;
  readonly public_key?: string;
}

/** Two keys that have a factor in common. */
export interface SharedKeys {
  readonly keys: readonly [CheckedKey, CheckedKey];
  readonly detail: string;
}

/** What a check of all keys found. */
export interface KeyCheck {
  /** RSA keys that were compared. */
  readonly compared: number;
  /** Keys of which only the hash is known. */
  readonly unknown: number;
  readonly shared: readonly SharedKeys[];
}

/** Compares the RSA endorsement keys with one another; ECC keys have nothing that could be shared but the whole key. */
export function checkKeys(keys: readonly CheckedKey[]): KeyCheck {
  const moduli = keys.flatMap((key) => {
    const modulus = modulusOf(key);
    return modulus === undefined ? [] : [{ key, modulus }];
  });
  const shared = sharedFactors(moduli.map(({ modulus }) => modulus)).map(({ moduli: [i, j], same }) => ({
    keys: [moduli[i]!.key, moduli[j]!.key] as const,
    detail: same ? 'they are the same modulus' : 'they have a prime in common: both private keys can be computed',
  }));
  const unknown = keys.filter(({ public_key }) => public_key === undefined).length;
  return { compared: moduli.length, unknown, shared };
}

function modulusOf({ public_key }: CheckedKey): bigint | undefined {
  if (public_key === undefined) return undefined;
  const { kty, n } = createPublicKey(public_key).export({ format: 'jwk' });
  return kty === 'RSA' && n !== undefined ? BigInt(`0x${hex(fromBase64url(n))}`) : undefined;
}
