import { createPublicKey, type KeyObject } from 'node:crypto';

/** A public key that OpenSSL read as PKCS #1 it does not write as such; read as a SubjectPublicKeyInfo it does. */
export const exportable = (key: KeyObject): KeyObject =>
  createPublicKey({ key: key.export({ format: 'der', type: 'spki' }), format: 'der', type: 'spki' });
