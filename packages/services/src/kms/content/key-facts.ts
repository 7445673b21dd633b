import type { KeyObject } from 'node:crypto';
import type { cryptographicAlgorithm } from '@vouchsafe/kmip/enums';
import { curves, curveWhere } from '../crypto/curves.ts';

/** What a key is. */
export interface KeyFacts {
  readonly algorithm: keyof typeof cryptographicAlgorithm;
  /** In bits. */
  readonly length: number;
}

/** What an asymmetric key is; nothing for kinds that are not used here. */
export function keyFacts(key: KeyObject): KeyFacts | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return { algorithm: 'RSA', length: modulusLength! };
  const curve = curveWhere(({ node }) => node === namedCurve);
  return curve === undefined ? undefined : { algorithm: 'EC', length: curves[curve].bits };
}

/** Names that KMIP has for keys on elliptic curves; which of them a client uses says nothing about the key. */
const elliptic = new Set<string>(['EC', 'ECDSA', 'ECDH', 'ECMQV']);

/** Whether two names of algorithms mean the same kind of key. */
export const sameAlgorithm = (a: string, b: string): boolean => a === b || (elliptic.has(a) && elliptic.has(b));
