import { noAttributes, type TpmaObject, type TpmtPublic } from './public.ts';

const objectAttributes: TpmaObject = {
  ...noAttributes,
  fixedTPM: true,
  fixedParent: true,
  sensitiveDataOrigin: true,
  userWithAuth: true,
  noDA: true,
  restricted: true,
  sign: true,
};
const common = { nameAlg: 'sha256', objectAttributes, authPolicy: new Uint8Array() } as const;
const none = { algorithm: 'null', keyBits: undefined, mode: undefined } as const;
const sha256 = { hashAlg: 'sha256' } as const;

/**
 * Attestation keys: restricted signing keys that cannot leave the TPM. As primary keys they come back the same from the
 * same template, so nothing has to be stored.
 */
export const akTemplates = {
  /** ECC P-256, ECDSA with SHA-256 */
  ecc: {
    type: 'ecc',
    ...common,
    parameters: {
      symmetric: none,
      scheme: { scheme: 'ecdsa', details: sha256 },
      curveID: 'nistP256',
      kdf: { scheme: 'null', details: undefined },
    },
    unique: { x: new Uint8Array(), y: new Uint8Array() },
  },
  /** RSA-2048, RSASSA with SHA-256 */
  rsa: {
    type: 'rsa',
    ...common,
    parameters: { symmetric: none, scheme: { scheme: 'rsassa', details: sha256 }, keyBits: 2048, exponent: 0 },
    unique: new Uint8Array(),
  },
} as const satisfies Record<string, TpmtPublic>;
export type AkType = keyof typeof akTemplates;
