import { oneOf, u16 } from '@vouchsafe/bytes/codec';

/** Hash algorithms: TPM_ALG_ID (TCG Algorithm Registry, table 3), Node's name, digest size in bytes. */
export const hashes = {
  sha1: { id: 0x0004, node: 'sha1', size: 20 },
  sha256: { id: 0x000b, node: 'sha256', size: 32 },
  sha384: { id: 0x000c, node: 'sha384', size: 48 },
  sha512: { id: 0x000d, node: 'sha512', size: 64 },
  sm3_256: { id: 0x0012, node: 'sm3', size: 32 },
  sha3_256: { id: 0x0027, node: 'sha3-256', size: 32 },
  sha3_384: { id: 0x0028, node: 'sha3-384', size: 48 },
  sha3_512: { id: 0x0029, node: 'sha3-512', size: 64 },
} as const satisfies Record<string, { id: number; node: string; size: number }>;

/** Name of a hash algorithm, the TPM_ALG_ constant in lower case. */
export type HashName = keyof typeof hashes;

/** Hash algorithms that a signature or a Name may still rest on. */
export const strongHashes: ReadonlySet<string> = new Set<HashName>([
  'sha256',
  'sha384',
  'sha512',
  'sha3_256',
  'sha3_384',
  'sha3_512',
]);

const ids = Object.fromEntries(Object.entries(hashes).map(([name, facts]) => [name, facts.id])) as {
  [H in HashName]: (typeof hashes)[H]['id'];
};

/** Part 2, 9.27: a hash algorithm. */
export const TpmiAlgHash = oneOf(u16, ids);
/** Part 2, 9.27: a hash algorithm or TPM_ALG_NULL. */
export const TpmiAlgHashOrNull = oneOf(u16, { ...ids, null: 0x0010 });

/**
 * NIST curves: TPM_ECC_CURVE (Part 2, 6.4), the JWK and OpenSSL names, size of the field in bytes, order of the base
 * point (SP 800-186, 3.2.1).
 */
export const curves = {
  nistP256: {
    id: 0x0003,
    jwk: 'P-256',
    node: 'prime256v1',
    size: 32,
    order: 0xffffffff_00000000_ffffffff_ffffffff_bce6faad_a7179e84_f3b9cac2_fc632551n,
  },
  nistP384: {
    id: 0x0004,
    jwk: 'P-384',
    node: 'secp384r1',
    size: 48,
    order:
      0xffffffff_ffffffff_ffffffff_ffffffff_ffffffff_ffffffff_c7634d81_f4372ddf_581a0db2_48b0a77a_ecec196a_ccc52973n,
  },
  nistP521: {
    id: 0x0005,
    jwk: 'P-521',
    node: 'secp521r1',
    size: 66,
    order:
      0x01ff_ffffffff_ffffffff_ffffffff_ffffffff_ffffffff_ffffffff_ffffffff_fffffffa_51868783_bf2f966b_7fcc0148_f709a5d0_3bb5c9b8_899c47ae_bb6fb71e_91386409n,
  },
} as const satisfies Record<string, { id: number; jwk: string; node: string; size: number; order: bigint }>;

/** Name of a curve, the TPM_ECC_ constant in camel case. */
export type CurveName = keyof typeof curves;

/** Part 2, 6.4 TPM_ECC_CURVE. Curves without a row in {@link curves} are named but have no key. */
export const TpmiEccCurve = oneOf(u16, {
  nistP192: 0x0001,
  nistP224: 0x0002,
  nistP256: curves.nistP256.id,
  nistP384: curves.nistP384.id,
  nistP521: curves.nistP521.id,
  bnP256: 0x0010,
  bnP638: 0x0011,
  sm2P256: 0x0020,
  bpP256R1: 0x0030,
  bpP384R1: 0x0031,
  bpP512R1: 0x0032,
  curve25519: 0x0040,
  curve448: 0x0041,
});

/** Facts of a curve that keys may lie on; undefined for others. */
export const curveFacts = (name: string) => (Object.hasOwn(curves, name) ? curves[name as CurveName] : undefined);
