import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { test } from 'node:test';
import { base64url } from '@vouchsafe/bytes/base64url';
import { fromHex } from '@vouchsafe/bytes/hex';
import { checkKeys } from './check-keys.ts';

const pemOf = (jwk: JsonWebKey): string =>
  String(createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' }));
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const number = (text = ''): bigint => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`);

test('RSA endorsement keys with a common prime are named, others are counted', () => {
  const [one, two, three] = [rsa(), rsa(), rsa()];
  const product = (number(one.p) * number(two.q)).toString(16);
  const n = base64url(fromHex(product.length % 2 === 0 ? product : `0${product}`));
  const ecc = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'pem', type: 'spki' });
  const keys = [
    { ek: 'a', name: 'kvm1', public_key: pemOf(one) },
    { ek: 'b', name: 'kvm2', public_key: pemOf({ kty: 'RSA', n, e: 'AQAB' }) },
    { ek: 'c', name: 'kvm3', public_key: pemOf(three) },
    { ek: 'd', public_key: String(ecc) },
    { ek: 'e', name: 'listed' },
    { ek: 'f', public_key: pemOf({ kty: 'RSA', n: String(three.n), e: 'AQAD' }) },
  ];
  const { compared, unknown, shared } = checkKeys(keys);
  assert.deepEqual([compared, unknown], [4, 1]);
  assert.deepEqual(
    shared.map(({ keys: [a, b], detail }) => [a.ek, b.ek, /same modulus/.test(detail)]),
    [
      ['a', 'b', false],
      ['c', 'f', true],
    ],
  );
});
