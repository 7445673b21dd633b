import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { concat, fromHex } from '@vouchsafe/bytes/hex';
import { everyBitFlip } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { akTemplates } from './ak-template.ts';
import { type CurveName, curves, type HashName } from './algorithms.ts';
import type { PublicOf, TpmtPublic } from './public.ts';
import { decodeSignature, type TpmtSignature } from './signature.ts';
import { signatureFault } from './signature-fault.ts';
import { sampleQuote, softwareKey } from './testing/software-key.ts';

const attest = sampleQuote();
const keys = { ecc: softwareKey('ecc'), rsa: softwareKey('rsa') };
const good = { ecc: decodeSignature(keys.ecc.sign(attest)), rsa: decodeSignature(keys.rsa.sign(attest)) };
const code = (signature: TpmtSignature, area: TpmtPublic) => signatureFault(attest, signature, area)?.code;
const ecdsa = (r: Uint8Array, s: Uint8Array): TpmtSignature => ({
  sigAlg: 'ecdsa',
  signature: { hash: 'sha256', signatureR: r, signatureS: s },
});
const rs = good.ecc.sigAlg === 'ecdsa' ? good.ecc.signature : assert.fail();
const sigOf = (signature: TpmtSignature) => (signature.sigAlg === 'rsassa' ? signature.signature.sig : assert.fail());

test('signatures by the scheme of the key hold', () => {
  assert.equal(code(good.ecc, keys.ecc.area), undefined);
  assert.equal(code(good.rsa, keys.rsa.area), undefined);
});

test('a signature of another key is refused', () => {
  assert.equal(code(decodeSignature(softwareKey('ecc').sign(attest)), keys.ecc.area), 'signature.value');
  assert.equal(code(decodeSignature(softwareKey('rsa').sign(attest)), keys.rsa.area), 'signature.value');
});

test('another scheme than the key has is refused, whether its value holds or not', () => {
  const pss = { key: keys.rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING };
  const sha1 = { key: keys.rsa.privateKey, padding: constants.RSA_PKCS1_PADDING };
  const digest = new Uint8Array(32);
  const table: [string, TpmtSignature, TpmtPublic][] = [
    [
      'RSAPSS',
      { sigAlg: 'rsapss', signature: { hash: 'sha256', sig: new Uint8Array(sign('sha256', attest, pss)) } },
      keys.rsa.area,
    ],
    [
      'SHA-1',
      { sigAlg: 'rsassa', signature: { hash: 'sha1', sig: new Uint8Array(sign('sha1', attest, sha1)) } },
      keys.rsa.area,
    ],
    ['HMAC', { sigAlg: 'hmac', signature: { hashAlg: 'sha256', digest } }, keys.rsa.area],
    ['null', { sigAlg: 'null', signature: undefined }, keys.rsa.area],
    ['null for ECC', { sigAlg: 'null', signature: undefined }, keys.ecc.area],
    ['RSA for ECC', good.rsa, keys.ecc.area],
    ['ECC for RSA', good.ecc, keys.rsa.area],
    ['ECSCHNORR', { ...ecdsa(rs.signatureR, rs.signatureS), sigAlg: 'ecschnorr' } as TpmtSignature, keys.ecc.area],
  ];
  for (const [what, signature, area] of table) assert.equal(code(signature, area), 'signature.scheme', what);
});

test('a key that itself signs with SHA-1, or has no scheme, is refused', () => {
  const withScheme = (scheme: PublicOf<'rsa'>['parameters']['scheme']) => ({
    ...keys.rsa.area,
    parameters: { ...akTemplates.rsa.parameters, scheme },
  });
  const sha1 = withScheme({ scheme: 'rsassa', details: { hashAlg: 'sha1' } }) as TpmtPublic;
  const sig = new Uint8Array(sign('sha1', attest, keys.rsa.privateKey));
  assert.equal(code({ sigAlg: 'rsassa', signature: { hash: 'sha1', sig } }, sha1), 'signature.scheme');
  assert.equal(code(good.rsa, withScheme({ scheme: 'null', details: undefined }) as TpmtPublic), 'key');
});

test('ECDSA numbers outside 1 to n-1, or longer than the field, are refused', () => {
  const order = fromHex(curves.nistP256.order.toString(16));
  const all = new Uint8Array(32).fill(0xff);
  const zero = new Uint8Array(32);
  const { signatureR: r, signatureS: s } = rs;
  const table: [string, Uint8Array, Uint8Array][] = [
    ['r = 0', zero, s],
    ['s = 0', r, zero],
    ['r empty', new Uint8Array(), s],
    ['r = n', order, s],
    ['s = n', r, order],
    ['s > n', r, all],
    ['r with a leading zero', concat(new Uint8Array(1), r), s],
    ['r and s swapped', s, r],
  ];
  for (const [what, a, b] of table) assert.equal(code(ecdsa(a, b), keys.ecc.area), 'signature.value', what);
});

test('short forms of r and s hold: a TPM may leave out leading zeros', () => {
  for (let tries = 0; tries < 5_000; tries++) {
    const signature = decodeSignature(keys.ecc.sign(attest));
    assert.ok(signature.sigAlg === 'ecdsa');
    const { signatureR, signatureS } = signature.signature;
    if (signatureR[0] !== 0) continue;
    return assert.equal(code(ecdsa(signatureR.slice(1), signatureS), keys.ecc.area), undefined);
  }
  assert.fail('no signature with a short r came');
});

test('an RSA signature of another length than the modulus is refused', () => {
  const sig = sigOf(good.rsa);
  for (const other of [new Uint8Array(), sig.slice(1), concat(new Uint8Array(1), sig)]) {
    assert.equal(
      code({ sigAlg: 'rsassa', signature: { hash: 'sha256', sig: other } }, keys.rsa.area),
      'signature.value',
    );
  }
});

test('P-384 and P-521 with their hashes hold', () => {
  const table: [CurveName, HashName][] = [
    ['nistP384', 'sha384'],
    ['nistP521', 'sha512'],
  ];
  for (const [curveID, hash] of table) {
    const { size, node } = curves[curveID];
    const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: node });
    const { x, y } = publicKey.export({ format: 'jwk' });
    const area: TpmtPublic = {
      ...akTemplates.ecc,
      parameters: { ...akTemplates.ecc.parameters, curveID, scheme: { scheme: 'ecdsa', details: { hashAlg: hash } } },
      unique: { x: fromBase64url(x!), y: fromBase64url(y!) },
    };
    const both = new Uint8Array(sign(hash, attest, { key, dsaEncoding: 'ieee-p1363' }));
    const signature: TpmtSignature = {
      sigAlg: 'ecdsa',
      signature: { hash, signatureR: both.slice(0, size), signatureS: both.slice(size) },
    };
    assert.equal(code(signature, area), undefined, curveID);
  }
});

test('no bit of the signed bytes or of a signature can be changed', () => {
  for (const type of ['ecc', 'rsa'] as const) {
    const { area } = keys[type];
    everyBitFlip(attest, (flipped) => assert.ok(signatureFault(flipped, good[type], area)));
    everyBitFlip(keys[type].sign(attest), (flipped, bit) => assert.ok(refused(flipped, area), `${type} bit ${bit}`));
  }
});

/** Whether bytes are no signature at all, or a false one. */
function refused(signature: Uint8Array, area: TpmtPublic): boolean {
  try {
    return signatureFault(attest, decodeSignature(signature), area) !== undefined;
  } catch (error) {
    assert.ok(error instanceof DecodeError);
    return true;
  }
}
