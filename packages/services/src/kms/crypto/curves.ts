import type { recommendedCurve } from '@vouchsafe/kmip/enums';

/** An elliptic curve. */
export interface Curve {
  /** OpenSSL's name. */
  readonly node: string;
  /** The contents of its object identifier, in hexadecimal (RFC 5480, 2.1.1.1; SEC 2). */
  readonly oid: string;
  /** Of its order and its coordinates. */
  readonly bits: number;
}

/** The curves that keys are used with here, by the names of KMIP 1.4, 9.1.3.2.5. */
export const curves = {
  'P-224': { node: 'secp224r1', oid: '2b81040021', bits: 224 },
  'P-256': { node: 'prime256v1', oid: '2a8648ce3d030107', bits: 256 },
  'P-384': { node: 'secp384r1', oid: '2b81040022', bits: 384 },
  'P-521': { node: 'secp521r1', oid: '2b81040023', bits: 521 },
  SECP256K1: { node: 'secp256k1', oid: '2b8104000a', bits: 256 },
} as const satisfies Partial<Record<keyof typeof recommendedCurve, Curve>>;

/** A curve that keys are used with here. */
export type CurveName = keyof typeof curves;

/** The curve that a predicate holds for. */
export const curveWhere = (holds: (curve: Curve) => boolean): CurveName | undefined =>
  (Object.keys(curves) as CurveName[]).find((name) => holds(curves[name]));
