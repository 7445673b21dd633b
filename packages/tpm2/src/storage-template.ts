import { noAttributes, type TpmaObject, type TpmtPublic } from './public.ts';

const fixed: TpmaObject = { ...noAttributes, fixedTPM: true, fixedParent: true, noDA: true };

/** TCG TPM 2.0 Provisioning Guidance, 7.5.1: the ECC P-256 storage root key, a primary key of the owner hierarchy. */
export const storageRoot: TpmtPublic = {
  type: 'ecc',
  nameAlg: 'sha256',
  objectAttributes: { ...fixed, sensitiveDataOrigin: true, userWithAuth: true, restricted: true, decrypt: true },
  authPolicy: new Uint8Array(),
  parameters: {
    symmetric: { algorithm: 'aes', keyBits: 128, mode: 'cfb' },
    scheme: { scheme: 'null', details: undefined },
    curveID: 'nistP256',
    kdf: { scheme: 'null', details: undefined },
  },
  unique: { x: new Uint8Array(32), y: new Uint8Array(32) },
};

/** A sealed data object that opens by `authPolicy` only; without one, by its authorization value. */
export const sealed = (authPolicy: Uint8Array = new Uint8Array()): TpmtPublic => ({
  type: 'keyedhash',
  nameAlg: 'sha256',
  objectAttributes: { ...fixed, userWithAuth: authPolicy.length === 0 },
  authPolicy,
  parameters: { scheme: { scheme: 'null', details: undefined } },
  unique: new Uint8Array(),
});
