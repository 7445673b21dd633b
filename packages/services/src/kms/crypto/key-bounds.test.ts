import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import test from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { tags } from '@vouchsafe/domain/x509/der';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { readKey } from '../content/key-formats.ts';
import { der } from './der-write.ts';
import { refuseCostlyKey } from './key-bounds.ts';

const int = (octets: Uint8Array) => der(tags.integer, Uint8Array.of(0), octets);
const version = der(tags.integer, Uint8Array.of(0));
const odd = (octets: number) => {
  const number = randomBytes(octets);
  number[0]! |= 0x80;
  number[octets - 1]! |= 1;
  return number;
};
const oids = { dsa: '06072a8648ce380401', dh: '06092a864886f70d010301', x942: '06072a8648ce3e0201' };

/** OpenSSL would compute g^x mod p: minutes with 8 KiB, years with what fits a message. */
const discreteLog = (oid: string, octets: number) =>
  der(
    tags.sequence,
    version,
    der(
      tags.sequence,
      Buffer.from(oid, 'hex'),
      der(tags.sequence, int(odd(octets)), int(odd(octets)), int(odd(octets))),
    ),
    der(tags.octetString, int(odd(octets - 1))),
  );

/** One of the numbers is as large as that, all others are small. */
const rsa = (place: number, octets: number) =>
  der(tags.sequence, version, ...Array.from({ length: 8 }, (_, i) => int(odd(i === place ? octets : 64))));

test('a private key that would keep a core busy is refused before it is computed with', () => {
  const costly = [
    ...Object.values(oids).map((oid) => discreteLog(oid, 100_000)),
    ...Array.from({ length: 8 }, (_, place) => rsa(place, 100_000)),
  ];
  for (const octets of costly)
    for (const format of ['PKCS#8', 'PKCS#1', 'ECPrivateKey']) {
      using material = Secret.take(Uint8Array.from(octets));
      const refused = (error: unknown) => error instanceof OperationError && error.reason === 'Invalid Field';
      assert.throws(() => readKey('Private Key', format, material), refused, format);
    }
});

test('keys of RSA and on curves are read in every format', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey;
  for (const type of ['pkcs1', 'pkcs8'] as const) refuseCostlyKey(pair.export({ format: 'der', type }));
  for (const type of ['sec1', 'pkcs8'] as const) refuseCostlyKey(curve.export({ format: 'der', type }));
});
