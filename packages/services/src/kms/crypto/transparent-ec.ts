import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { contextTag, Der, tags } from '@vouchsafe/domain/x509/der';
import type { TransparentKey } from '@vouchsafe/kmip/key-material';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type CurveName, curves, curveWhere } from './curves.ts';
import { bigInteger, der, fixed } from './der-write.ts';

/** The contents of id-ecPublicKey, 1.2.840.10045.2.1 (RFC 5480, 2.1.1). */
const ecPublicKey = Buffer.from('2a8648ce3d0201', 'hex');

/** An EC private key out of its parts: an ECPrivateKey of RFC 5915, 3. @throws {OperationError} */
export function ecPrivateKey({ curve, d }: TransparentKey): KeyObject {
  const { oid, bits } = curveOf(curve);
  if (d === undefined) throw new OperationError('Invalid Field', 'Key Material: D is missing');
  let whole: Buffer | undefined;
  try {
    const number = d.use((octets) => fixed(octets, Math.ceil(bits / 8)));
    whole = der(
      tags.sequence,
      der(tags.integer, Uint8Array.of(1)),
      der(tags.octetString, number),
      der(contextTag(0), der(tags.oid, Buffer.from(oid, 'hex'))),
    );
    number.fill(0);
    return createPrivateKey({ key: whole, format: 'der', type: 'sec1' });
  } catch {
    throw new OperationError('Invalid Field', 'Key Material: the parts make no EC private key');
  } finally {
    whole?.fill(0);
  }
}

/** An EC public key out of its parts. @throws {OperationError} */
export function ecPublicKeyOf({ curve, qString }: TransparentKey): KeyObject {
  const { oid } = curveOf(curve);
  if (qString === undefined) throw new OperationError('Invalid Field', 'Key Material: Q String is missing');
  const algorithm = der(tags.sequence, der(tags.oid, ecPublicKey), der(tags.oid, Buffer.from(oid, 'hex')));
  const point = der(tags.bitString, Uint8Array.of(0), qString);
  try {
    return createPublicKey({ key: der(tags.sequence, algorithm, point), format: 'der', type: 'spki' });
  } catch {
    throw new OperationError('Invalid Field', 'Key Material: the parts make no EC public key');
  }
}

/** The parts of an EC private key; whoever gets them wipes them. */
export function ecPrivateParts(key: KeyObject): TransparentKey {
  const whole = key.export({ format: 'der', type: 'sec1' });
  try {
    const fields = Der.over(whole, 'ECPrivateKey').take(tags.sequence, 'ECPrivateKey').inside();
    fields.take(tags.integer, 'version');
    const d = fields.take(tags.octetString, 'privateKey').value;
    return { curve: curveOfKey(key), d: Secret.take(bigInteger(d)) };
  } finally {
    whole.fill(0);
  }
}

/** The parts of an EC public key: its point as SEC 1, 2.3.3, writes it without compression. */
export function ecPublicParts(key: KeyObject): TransparentKey {
  const whole = key.export({ format: 'der', type: 'spki' });
  const fields = Der.over(whole, 'SubjectPublicKeyInfo').take(tags.sequence, 'SubjectPublicKeyInfo').inside();
  fields.take(tags.sequence, 'algorithm');
  return { curve: curveOfKey(key), qString: Uint8Array.from(fields.take(tags.bitString, 'key').value.subarray(1)) };
}

/** The curve of an EC key. @throws {OperationError} when it is none that is used here */
export function curveOfKey(key: KeyObject): CurveName {
  const named = key.asymmetricKeyDetails?.namedCurve;
  const name = curveWhere(({ node }) => node === named);
  if (name === undefined)
    throw new OperationError('Invalid Field', `the curve ${named ?? 'of the key'} is not used here`);
  return name;
}

function curveOf(name: string | undefined) {
  if (name === undefined || !Object.hasOwn(curves, name))
    throw new OperationError(
      'Invalid Field',
      `Recommended Curve: ${name ?? 'missing'}, expected one of ${Object.keys(curves).join(', ')}`,
    );
  return curves[name as CurveName];
}
