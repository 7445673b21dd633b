import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { Der, tags } from '@vouchsafe/domain/x509/der';
import type { keyFormatType } from '@vouchsafe/kmip/enums';
import type { KeyMaterial, TransparentKey } from '@vouchsafe/kmip/key-material';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { exportable } from '../crypto/exportable.ts';
import { refuseCostlyKey } from '../crypto/key-bounds.ts';
import { ecPrivateKey, ecPrivateParts, ecPublicKeyOf, ecPublicParts } from '../crypto/transparent-ec.ts';
import { rsaPrivateKey, rsaPrivateParts, rsaPublicKey, rsaPublicParts } from '../crypto/transparent-rsa.ts';

type FormatName = keyof typeof keyFormatType;

/** How a key is read from a format and written in it. */
interface Format {
  readonly kind: 'rsa' | 'ec' | 'any';
  readonly read: (material: KeyMaterial) => KeyObject;
  readonly write: (key: KeyObject) => KeyMaterial;
}

type Formats = Partial<Record<FormatName, Format>>;

/** The same octets, not a copy of them. */
const borrowed = (octets: Uint8Array) => Buffer.from(octets.buffer, octets.byteOffset, octets.length);

const octets = (type: 'pkcs1' | 'pkcs8' | 'sec1'): Pick<Format, 'read' | 'write'> => ({
  read: (material) =>
    octetsOf(material).use((key) => {
      refuseCostlyKey(key);
      return createPrivateKey({ key: borrowed(key), format: 'der', type });
    }),
  write: (key) => Secret.take(key.export({ format: 'der', type } as { format: 'der'; type: 'pkcs8' })),
});

const publicOctets = (type: 'pkcs1' | 'spki'): Pick<Format, 'read' | 'write'> => ({
  read: (material) =>
    octetsOf(material).use((key) => exportable(createPublicKey({ key: borrowed(key), format: 'der', type }))),
  write: (key) => Secret.take(key.export({ format: 'der', type } as { format: 'der'; type: 'spki' })),
});

const ofParts = (
  kind: Format['kind'],
  read: (parts: TransparentKey) => KeyObject,
  write: (key: KeyObject) => TransparentKey,
): Format => ({ kind, read: (material) => read(partsOf(material)), write });

/** Formats of private keys (KMIP 1.4, 9.1.3.2.3); the first that suits a key is the one that it is made in. */
const privateFormats: Formats = {
  'PKCS#1': { kind: 'rsa', ...octets('pkcs1') },
  ECPrivateKey: { kind: 'ec', ...octets('sec1') },
  'PKCS#8': { kind: 'any', ...octets('pkcs8') },
  'Transparent RSA Private Key': ofParts('rsa', rsaPrivateKey, rsaPrivateParts),
  'Transparent EC Private Key': ofParts('ec', ecPrivateKey, ecPrivateParts),
  'Transparent ECDSA Private Key': ofParts('ec', ecPrivateKey, ecPrivateParts),
  'Transparent ECDH Private Key': ofParts('ec', ecPrivateKey, ecPrivateParts),
};

/** Formats of public keys. `X.509` is a SubjectPublicKeyInfo. */
const publicFormats: Formats = {
  'PKCS#1': { kind: 'rsa', ...publicOctets('pkcs1') },
  'X.509': { kind: 'any', ...publicOctets('spki') },
  'Transparent RSA Public Key': ofParts('rsa', rsaPublicKey, rsaPublicParts),
  'Transparent EC Public Key': ofParts('ec', ecPublicKeyOf, ecPublicParts),
  'Transparent ECDSA Public Key': ofParts('ec', ecPublicKeyOf, ecPublicParts),
  'Transparent ECDH Public Key': ofParts('ec', ecPublicKeyOf, ecPublicParts),
};

/** Formats of the two halves of a key pair. */
const formats = { 'Private Key': privateFormats, 'Public Key': publicFormats } as const;

/** The halves of a key pair. */
export type KeyHalf = keyof typeof formats;

/** Reads a key. @throws {OperationError} when it is not what its format says, or the format is not used here */
export function readKey(half: KeyHalf, format: string, material: KeyMaterial): KeyObject {
  const known = formatOf(half, format);
  try {
    return known.read(material);
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw new OperationError('Invalid Field', `Key Material: no ${half} in the format ${format}`);
  }
}

/** Writes a key; whoever gets it wipes it. @throws {OperationError} `Key Format Type Not Supported` */
export function writeKey(half: KeyHalf, format: string, key: KeyObject): KeyMaterial {
  const known = formatOf(half, format);
  if (known.kind !== 'any' && known.kind !== key.asymmetricKeyType)
    throw notSupported(format, `the key is of the kind ${key.asymmetricKeyType}`);
  return known.write(key);
}

/** The format that a new key stands in. */
export const usualFormat = (half: KeyHalf, key: KeyObject): FormatName =>
  (Object.keys(formats[half]) as FormatName[]).find((name) => {
    const { kind } = formats[half][name]!;
    return kind === 'any' || kind === key.asymmetricKeyType;
  })!;

function formatOf(half: KeyHalf, format: string): Format {
  const known = formats[half][format as FormatName];
  if (known === undefined) throw notSupported(format, `expected one of ${Object.keys(formats[half]).join(', ')}`);
  return known;
}

const notSupported = (format: string, why: string) =>
  new OperationError('Key Format Type Not Supported', `${format}: ${why}`);

function octetsOf(material: KeyMaterial): Secret {
  if (material instanceof Secret) return material;
  throw new OperationError('Invalid Field', 'Key Material: expected octets, found a structure');
}

function partsOf(material: KeyMaterial): TransparentKey {
  if (!(material instanceof Secret)) return material;
  throw new OperationError('Invalid Field', 'Key Material: expected a structure, found octets');
}

/** Whether octets are an EncryptedPrivateKeyInfo (RFC 5958, 3): an algorithm and the octets that it made. */
export function isEncryptedPkcs8(material: Secret): boolean {
  return material.use((bytes) => {
    try {
      const fields = Der.over(bytes, 'PKCS#8').enter(tags.sequence, 'PKCS#8');
      fields.enter(tags.sequence, 'encryptionAlgorithm').take(tags.oid, 'algorithm');
      fields.take(tags.octetString, 'encryptedData');
      return !fields.more;
    } catch {
      return false;
    }
  });
}
