import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { decodePublic } from '@vouchsafe/tpm2/public';
import { publicKeyOf } from '@vouchsafe/tpm2/public-key';
import { Problem } from '../problem.ts';

/** The key of a TPMT_PUBLIC as PEM, as the registry keeps it. @throws {DecodeError}, {TpmError} `key` */
export const pemOf = (ekPublic: Uint8Array): string => pemOfKey(publicKeyOf(decodePublic(ekPublic)));

export const pemOfKey = (key: KeyObject): string => String(key.export({ format: 'pem', type: 'spki' }));

/** An endorsement key by its PEM: its name in the registry, and the text as the registry keeps it. */
export interface EkPem {
  /** SHA-256 of the SubjectPublicKeyInfo, in hexadecimal. */
  readonly ek: string;
  readonly public_key: string;
}

/** @throws {Problem} `input.malformed` naming `field` when the text is no public key; a private one is refused as well */
export function readEkPem(pem: string, field: string): EkPem {
  // createPublicKey takes a private key too and gives its public half: whoever has one in a file wants to know.
  if (pem.includes('PRIVATE KEY')) throw new Problem('input.malformed', `${field}: this is a private key`);
  try {
    return ekPemOf(createPublicKey(pem));
  } catch (cause) {
    throw new Problem('input.malformed', `${field}: expected a PEM public key`, { cause });
  }
}

export function ekPemOf(key: KeyObject): EkPem {
  const der = key.export({ format: 'der', type: 'spki' });
  return { ek: createHash('sha256').update(der).digest('hex'), public_key: pemOfKey(key) };
}
