import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '@vouchsafe/bytes/hex';
import { akTemplates } from './ak-template.ts';
import type { PublicOf, TpmtPublic } from './public.ts';
import { publicKeyOf, spkiOf } from './public-key.ts';
import { sealed } from './storage-template.ts';
import { softwareKey } from './testing/software-key.ts';

const rsa = softwareKey('rsa').area as PublicOf<'rsa'>;
const ecc = softwareKey('ecc').area as PublicOf<'ecc'>;
const withRsa = (parameters: Partial<PublicOf<'rsa'>['parameters']>, unique = rsa.unique) =>
  ({ ...rsa, parameters: { ...rsa.parameters, ...parameters }, unique }) as TpmtPublic;
const withEcc = (unique: Partial<PublicOf<'ecc'>['unique']>, curveID: string = ecc.parameters.curveID) =>
  ({ ...ecc, parameters: { ...ecc.parameters, curveID }, unique: { ...ecc.unique, ...unique } }) as TpmtPublic;

test('keys come out as Node knows them', () => {
  const key = publicKeyOf(rsa);
  assert.deepEqual([key.asymmetricKeyType, key.asymmetricKeyDetails?.modulusLength], ['rsa', 2048]);
  assert.equal(key.asymmetricKeyDetails?.publicExponent, 65537n);
  assert.equal(publicKeyOf(ecc).asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.deepEqual(spkiOf(ecc), new Uint8Array(publicKeyOf(ecc).export({ type: 'spki', format: 'der' })));
  assert.equal(publicKeyOf(withRsa({ exponent: 65539 })).asymmetricKeyDetails?.publicExponent, 65539n);
});

test('keys that nobody may rely on are refused', () => {
  const even = concat(rsa.unique.subarray(0, 255), new Uint8Array([rsa.unique[255]! & 0xfe]));
  const small = concat(new Uint8Array([rsa.unique[0]! & 0x7f]), rsa.unique.subarray(1));
  const off = ecc.unique.y.slice();
  off[31]! ^= 1;
  const zero = new Uint8Array(32);
  const table: [string, TpmtPublic, RegExp][] = [
    ['1024 bits', withRsa({ keyBits: 1024 }, rsa.unique.slice(0, 128)), /keyBits is 1024, expected 2048 to 4096/],
    ['65528 bits', withRsa({ keyBits: 65528 }), /keyBits is 65528/],
    ['shorter than it says', withRsa({}, rsa.unique.slice(1)), /not an odd number of 2048 bits/],
    ['2047 bits', withRsa({}, small), /not an odd number of 2048 bits/],
    ['even modulus', withRsa({}, even), /not an odd number of 2048 bits/],
    ['exponent 1', withRsa({ exponent: 1 }), /exponent is 1,/],
    ['exponent 3', withRsa({ exponent: 3 }), /exponent is 3,/],
    ['even exponent', withRsa({ exponent: 65538 }), /exponent is 65538,/],
    ['off the curve', withEcc({ y: off }), /EC public key is not valid/],
    ['the point (0, 0)', withEcc({ x: zero, y: zero }), /EC public key is not valid/],
    ['no point', withEcc({ x: new Uint8Array(), y: new Uint8Array() }), /EC public key is not valid/],
    ['a coordinate too long', withEcc({ x: concat(new Uint8Array(1), ecc.unique.x) }), /longer than 32 bytes/],
    ['another curve', withEcc({}, 'nistP384'), /EC public key is not valid/],
    ['a curve without facts', withEcc({}, 'bnP256'), /curve bnP256 is not supported/],
    ['no key at all', sealed(), /type keyedhash holds no public key/],
    ['a template', akTemplates.rsa, /not an odd number/],
  ];
  for (const [what, area, message] of table)
    assert.throws(() => publicKeyOf(area), { name: 'TpmError', code: 'key', message }, what);
});
