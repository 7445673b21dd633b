import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { Der, tags } from '@vouchsafe/domain/x509/der';
import { integerOf } from '@vouchsafe/domain/x509/der-values';
import type { TransparentKey } from '@vouchsafe/kmip/key-material';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { bigInteger, der, shortest } from './der-write.ts';
import { exportable } from './exportable.ts';
import { refuseCostlyKey } from './key-bounds.ts';

/** The numbers of an RSAPrivateKey after the public ones, in its order (RFC 8017, A.1.2). */
const privateParts = [
  'privateExponent',
  'p',
  'q',
  'primeExponentP',
  'primeExponentQ',
  'crtCoefficient',
] as const satisfies (keyof TransparentKey)[];

/** An RSA private key out of its parts. @throws {OperationError} when one of them is missing or does not suit the others */
export function rsaPrivateKey(parts: TransparentKey): KeyObject {
  const numbers = privateParts.map((name) => integerOfSecret(name, parts[name]));
  const whole = der(tags.sequence, der(tags.integer, Uint8Array.of(0)), ...publicNumbers(parts), ...numbers);
  try {
    refuseCostlyKey(whole);
    return createPrivateKey({ key: whole, format: 'der', type: 'pkcs1' });
  } catch {
    throw new OperationError('Invalid Field', 'Key Material: the parts make no RSA private key');
  } finally {
    for (const each of [whole, ...numbers]) each.fill(0);
  }
}

/** An RSA public key out of its parts. @throws {OperationError} */
export function rsaPublicKey(parts: TransparentKey): KeyObject {
  try {
    return exportable(
      createPublicKey({ key: der(tags.sequence, ...publicNumbers(parts)), format: 'der', type: 'pkcs1' }),
    );
  } catch {
    throw new OperationError('Invalid Field', 'Key Material: the parts make no RSA public key');
  }
}

/** The parts of an RSA private key; whoever gets them wipes them. */
export function rsaPrivateParts(key: KeyObject): TransparentKey {
  const whole = key.export({ format: 'der', type: 'pkcs1' });
  try {
    const fields = Der.over(whole, 'RSAPrivateKey').take(tags.sequence, 'RSAPrivateKey').inside();
    integerOf(fields.take(tags.integer, 'version'));
    const parts: Record<string, Uint8Array | Secret> = {
      modulus: bigInteger(integerOf(fields.take(tags.integer, 'modulus'))),
      publicExponent: bigInteger(integerOf(fields.take(tags.integer, 'publicExponent'))),
    };
    for (const name of privateParts) parts[name] = Secret.take(bigInteger(integerOf(fields.take(tags.integer, name))));
    return parts;
  } finally {
    whole.fill(0);
  }
}

/** The parts of an RSA public key. */
export function rsaPublicParts(key: KeyObject): TransparentKey {
  const whole = key.export({ format: 'der', type: 'pkcs1' });
  const fields = Der.over(whole, 'RSAPublicKey').take(tags.sequence, 'RSAPublicKey').inside();
  return {
    modulus: bigInteger(integerOf(fields.take(tags.integer, 'modulus'))),
    publicExponent: bigInteger(integerOf(fields.take(tags.integer, 'publicExponent'))),
  };
}

function publicNumbers({ modulus, publicExponent }: TransparentKey): Buffer[] {
  if (modulus === undefined || publicExponent === undefined)
    throw new OperationError('Invalid Field', 'Key Material: Modulus or Public Exponent is missing');
  return [modulus, publicExponent].map((each) => der(tags.integer, shortest(each)));
}

/** OpenSSL needs all of them; whoever has the private exponent only must hand the key in as PKCS #1. */
function integerOfSecret(name: string, number: Secret | undefined): Buffer {
  if (number === undefined)
    throw new OperationError('Invalid Field', `Key Material: ${name} is missing; register the key as PKCS#1 or PKCS#8`);
  return number.use((octets) => der(tags.integer, shortest(octets)));
}
