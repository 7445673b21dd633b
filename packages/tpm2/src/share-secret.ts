import { constants, createECDH, type ECDH, publicEncrypt, randomBytes } from 'node:crypto';
import { encode } from '@vouchsafe/bytes/codec';
import { concat, copy } from '@vouchsafe/bytes/hex';
import { type HashName, hashes, strongHashes } from './algorithms.ts';
import { TpmError } from './error.ts';
import { kdfE } from './kdf.ts';
import { type PublicOf, TpmsEccPoint, type TpmtPublic } from './public.ts';
import { pointOf, publicKeyOf } from './public-key.ts';

/** A fresh secret and the form in which only the TPM with the key can read it. */
export interface SharedSecret {
  /** As long as a digest of the key's nameAlg. */
  readonly secret: Uint8Array;
  /** Contents of TPM2B_ENCRYPTED_SECRET, without its size. */
  readonly encrypted: Uint8Array<ArrayBuffer>;
}

/**
 * Makes a secret that only the TPM holding the decryption key can recover (Part 1, B.10 for RSA and C.6 for ECC).
 * @param label `IDENTITY` for a credential, `SECRET` for the salt of a session
 * @throws {TpmError} `key` when the public area is no usable decryption key
 */
export function shareSecret(area: TpmtPublic, label: 'IDENTITY' | 'SECRET'): SharedSecret {
  const { nameAlg } = area;
  if (nameAlg === 'null' || !strongHashes.has(nameAlg)) throw new TpmError('key', `nameAlg is ${nameAlg}`);
  if (area.type === 'rsa') return overRsa(area, nameAlg, label);
  if (area.type === 'ecc') return overEcc(area, nameAlg, label);
  throw new TpmError('key', `a public area of type ${area.type} cannot decrypt, expected rsa or ecc`);
}

function overRsa(area: PublicOf<'rsa'>, nameAlg: HashName, label: string): SharedSecret {
  const secret = new Uint8Array(randomBytes(hashes[nameAlg].size));
  const { scheme, details } = area.parameters.scheme;
  const encrypted = publicEncrypt(
    {
      key: publicKeyOf(area),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: hashes[scheme === 'oaep' && details !== undefined ? details.hashAlg : nameAlg].node,
      oaepLabel: Buffer.from(`${label}\0`),
    },
    secret,
  );
  return { secret, encrypted: concat(encrypted) };
}

function overEcc(area: PublicOf<'ecc'>, nameAlg: HashName, label: string): SharedSecret {
  const { curve, x, y } = pointOf(area);
  const ephemeral = createECDH(curve.node);
  const own = ephemeral.generateKeys();
  const z = sharedX(ephemeral, concat(Uint8Array.of(uncompressed), x, y));
  const point = { x: copy(own.subarray(1, 1 + curve.size)), y: copy(own.subarray(1 + curve.size)) };
  const secret = kdfE(nameAlg, z, label, point.x, x);
  z.fill(0);
  return { secret, encrypted: encode(TpmsEccPoint, point) };
}

/** SEC 1, 2.3.3 */
const uncompressed = 0x04;

/** Node refuses points that are not on the curve. */
function sharedX(ephemeral: ECDH, point: Uint8Array): Buffer {
  try {
    return ephemeral.computeSecret(point);
  } catch (cause) {
    throw new TpmError('key', 'the EC public key is not valid', { cause });
  }
}
