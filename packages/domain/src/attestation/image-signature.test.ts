import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { everyTruncation } from '@vouchsafe/bytes/hostile';
import { CompactSign, FlattenedSign } from 'jose';
import { imageOf } from '../testing/images.ts';
import { problem } from '../testing/problem.ts';
import { readImageFile } from './image-file.ts';
import { type ImageSigner, signerKey, signImageFile, verifyImageSignature } from './image-signature.ts';

const pem = (key: KeyObject) => String(key.export({ type: 'spki', format: 'pem' }));
const pairs = {
  release: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  second: generateKeyPairSync('ed25519'),
  stranger: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
};
const signer = (name: 'release' | 'second'): ImageSigner => ({
  name,
  key: pem(pairs[name].publicKey),
  by: 'test',
  since: '',
});
const signers = [signer('second'), signer('release')];
const image = imageOf('golden');
const text = `${JSON.stringify(image, undefined, 2)}\n`;
const octets = Buffer.from(text);
const typ = 'vs-image+jws';

test('a listed signer is found by trying, for either kind of key', async () => {
  for (const name of ['release', 'second'] as const) {
    const jws = await signImageFile(octets, pairs[name].privateKey);
    assert.match(jws, /^[\w-]+\.\.[\w-]+$/);
    assert.equal((await verifyImageSignature(octets, jws, signers)).name, name);
    const attached = jws.replace('..', `.${octets.toString('base64url')}.`);
    assert.equal((await verifyImageSignature(octets, attached, signers)).name, name, 'with the octets in it');
  }
});

const good = await signImageFile(octets, pairs.release.privateKey);

const changedFiles: [name: string, file: string][] = [
  ['one more line end', `${text}\n`],
  ['other white space, the same JSON', JSON.stringify(image)],
  ['other order of names, the same JSON', JSON.stringify(Object.fromEntries(Object.entries(image).toReversed()))],
  ['an escaped letter, the same JSON', text.replace('golden', '\\u0067olden')],
  ['another PCR', text.replace(image.pcrs['4']!, 'f'.repeat(64))],
  ['nothing', ''],
];
for (const [name, file] of changedFiles) {
  test(`tampered: ${name}`, async () => {
    await assert.rejects(verifyImageSignature(Buffer.from(file), good, signers), problem('image.untrusted', /changed/));
  });
}

test('every octet is signed', async () => {
  for (let at = 0; at < octets.length; at += 97) {
    const changed = Buffer.from(octets);
    changed[at]! ^= 1;
    await assert.rejects(verifyImageSignature(changed, good, signers), problem('image.untrusted'));
  }
});

/** A signature with the header of an attacker. */
const withHeader = async (header: Record<string, unknown>, key = pairs.stranger.privateKey): Promise<string> => {
  const protectedHeader = Buffer.from(JSON.stringify(header)).toString('base64url');
  const input = `${protectedHeader}.${octets.toString('base64url')}`;
  return `${protectedHeader}..${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
};
const confused = (() => {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ })).toString('base64url');
  const input = `${header}.${octets.toString('base64url')}`;
  return `${header}..${createHmac('sha256', signers[1]!.key).update(input).digest('base64url')}`;
})();
const none = Buffer.from(JSON.stringify({ alg: 'none', typ })).toString('base64url');
const jwk = pairs.stranger.publicKey.export({ format: 'jwk' });

const forged: [name: string, jws: string, naming: RegExp][] = [
  ['a stranger', await signImageFile(octets, pairs.stranger.privateKey), /none of the listed/],
  ['a stranger who brings the key', await withHeader({ alg: 'ES256', typ, jwk }), /holds jwk/],
  ['a stranger who brings a certificate', await withHeader({ alg: 'ES256', typ, x5c: ['AAAA'] }), /holds x5c/],
  ['a stranger who says where the key is', await withHeader({ alg: 'ES256', typ, jku: 'https://x' }), /holds jku/],
  [
    'a stranger who calls the key by a listed name',
    await withHeader({ alg: 'ES256', typ, kid: 'release' }),
    /none of the listed/,
  ],
  ['nobody', `${none}..AA`, /algorithm/],
  ['the public key as a secret', confused, /algorithm/],
  [
    'a listed key, for another kind of statement',
    await withHeader({ alg: 'ES256', typ: 'vs-capture+jws' }, pairs.release.privateKey),
    /kind/,
  ],
  ['a listed key, without a kind', await withHeader({ alg: 'ES256' }, pairs.release.privateKey), /kind/],
  [
    'a listed key, critical extension',
    await withHeader({ alg: 'ES256', typ, crit: ['b64'], b64: false }, pairs.release.privateKey),
    /holds crit|holds b64/,
  ],
  [
    'a listed key, over another payload',
    await new CompactSign(Buffer.from('{}')).setProtectedHeader({ alg: 'ES256', typ }).sign(pairs.release.privateKey),
    /another file/,
  ],
  [
    'a name twice in the header',
    `${Buffer.from(`{"alg":"ES256","alg":"ES256","typ":"${typ}"}`).toString('base64url')}..AA`,
    /no JSON object/,
  ],
  ['text', 'signed by me', /no compact JWS/],
  ['four parts', `${good}.AA`, /no compact JWS/],
  ['a very long signature', `${good}${'A'.repeat(20_000)}`, /too long/],
];
for (const [name, jws, naming] of forged) {
  test(`not believed: ${name}`, async () => {
    await assert.rejects(verifyImageSignature(octets, jws, signers), problem('image.untrusted', naming));
  });
}

test('cut signatures are refused, and so is everything when nobody is listed', async () => {
  const cuts: string[] = [];
  everyTruncation(Buffer.from(good), (cut) => cuts.push(Buffer.from(cut).toString()));
  for (const cut of cuts) await assert.rejects(verifyImageSignature(octets, cut, signers), problem('image.untrusted'));
  await assert.rejects(verifyImageSignature(octets, good, []), problem('image.untrusted', /no signer is listed/));
});

test('without the comparison of keys the attack succeeds: a signature holds under the key that its header brings', async () => {
  const { protected: header, signature } = await new FlattenedSign(octets)
    .setProtectedHeader({ alg: 'ES256', typ })
    .sign(pairs.stranger.privateKey);
  const gullible = [{ ...signer('release'), key: pem(pairs.stranger.publicKey) }];
  assert.equal((await verifyImageSignature(octets, `${header}..${signature}`, gullible)).name, 'release');
});

test('keys of other kinds sign nothing and are not listed', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  for (const { publicKey, privateKey } of [rsa, p384]) {
    await assert.rejects(signImageFile(octets, privateKey), problem('input.invalid', /P-256 or Ed25519/));
    assert.throws(() => signerKey('x', pem(publicKey)), problem('input.invalid', /P-256 or Ed25519/));
  }
  assert.throws(() => signerKey('x', 'no key'), problem('input.malformed', /key of x/));
});

const malformed: [name: string, octets: Uint8Array, kind: 'input.malformed' | 'input.invalid', naming: RegExp][] = [
  ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'input.malformed', /UTF-8/],
  ['a byte order mark', Buffer.from(`\ufeff${text}`), 'input.malformed', /JSON/],
  ['a name twice', Buffer.from(text.replace('"name"', '"name": "other",\n  "name"')), 'input.malformed', /twice/],
  ['no image', Buffer.from('{}'), 'input.invalid', /./],
  ['null', Buffer.from('null'), 'input.invalid', /./],
  ['version 3', Buffer.from(JSON.stringify({ v: 3, image })), 'input.invalid', /./],
  ['an unknown member', Buffer.from(JSON.stringify({ v: 2, image, trust: true })), 'input.invalid', /trust/],
  ['a statement that is no text', Buffer.from(JSON.stringify({ v: 2, image, capture: 1 })), 'input.invalid', /capture/],
];
for (const [name, file, kind, naming] of malformed) {
  test(`not read: ${name}`, () => assert.throws(() => readImageFile('image', file), problem(kind, naming)));
}

test('both versions of the file are read, and named by their octets', () => {
  assert.deepEqual(readImageFile('x', octets).image, image);
  const two = readImageFile('x', Buffer.from(JSON.stringify({ v: 2, image, capture: 'a.b.c' })));
  assert.deepEqual([two.image, two.capture], [JSON.parse(JSON.stringify(image)), 'a.b.c']);
  assert.notEqual(two.sha256, readImageFile('x', octets).sha256);
});
