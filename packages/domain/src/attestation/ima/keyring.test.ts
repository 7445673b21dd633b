import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { constants, createHash, generateKeyPairSync, hash, privateEncrypt, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { concat, fromHex } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation } from '@vouchsafe/bytes/hostile';
import { problem } from '../../testing/problem.ts';
import { isSigned, keyringOf } from './keyring.ts';
import { readFileSignature } from './signature.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: typeof rsa) => String(key.publicKey.export({ type: 'spki', format: 'pem' }));
const keyring = keyringOf([pem(other), pem(rsa)]);
const digest = new Uint8Array(createHash('sha256').update('content').digest());
const keyid = new Uint8Array(
  hash('sha1', rsa.publicKey.export({ type: 'pkcs1', format: 'der' }), 'buffer').subarray(-4),
);
const info = fromHex('3031300d060960864801650304020105000420');

const raw = (message: Uint8Array, key = rsa) =>
  new Uint8Array(privateEncrypt({ key: key.privateKey, padding: constants.RSA_PKCS1_PADDING }, message));
const attribute = (sig: Uint8Array, { type = 3, version = 2, algorithm = 4 } = {}) =>
  concat(Uint8Array.of(type, version, algorithm), keyid, Uint8Array.of(sig.length >> 8, sig.length & 255), sig);
const good = attribute(raw(concat(info, digest)));

test('a signature of version 2 over the digest of the file is believed', () => {
  assert.equal(isSigned(keyring, 'sha256', digest, good), true);
  assert.equal(isSigned(keyringOf([]), 'sha256', digest, good), false, 'without keys nothing is signed');
});

test('a signature of version 3 is over type, hash and digest', () => {
  for (const type of [3, 6]) {
    const message = hash('sha256', concat(Uint8Array.of(type, 4), digest), 'buffer');
    const signed = attribute(raw(concat(info, message)), { type, version: 3 });
    assert.equal(isSigned(keyring, 'sha256', digest, signed), true);
    const asOther = attribute(raw(concat(info, message)), { type: 9 - type, version: 3 });
    assert.equal(isSigned(keyring, 'sha256', digest, asOther), false, 'the type is signed');
    assert.equal(
      isSigned(keyring, 'sha256', digest, attribute(raw(concat(info, digest)), { type, version: 3 })),
      false,
    );
  }
});

test('what is no signature of a key of the keyring over this digest is none', () => {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const changed = digest.with(0, digest[0]! ^ 1);
  const sha512 = new Uint8Array(createHash('sha512').update('content').digest());
  const table: [string, Uint8Array, Uint8Array, string][] = [
    ['another digest', changed, good, 'sha256'],
    ['another hash than the entry has', digest, attribute(raw(concat(info, digest)), { algorithm: 6 }), 'sha256'],
    ['a digest of another hash', sha512, good, 'sha512'],
    ['a key that nobody listed', digest, attribute(raw(concat(info, digest), stranger)), 'sha256'],
    ['a listed key under the id of another', digest, attribute(raw(concat(info, digest), other)), 'sha256'],
    ['no DigestInfo', digest, attribute(raw(digest)), 'sha256'],
    ['something behind the digest', digest, attribute(raw(concat(info, digest, Uint8Array.of(0)))), 'sha256'],
    ['version 1', digest, attribute(raw(concat(info, digest)), { version: 1 }), 'sha256'],
    ['a portable signature of EVM', digest, attribute(raw(concat(info, digest)), { type: 5 }), 'sha256'],
    ['SHA-1', digest.slice(0, 20), attribute(raw(concat(info, digest)), { algorithm: 2 }), 'sha1'],
    ['nothing', digest, new Uint8Array(), 'sha256'],
    ['something behind the signature', digest, concat(good, Uint8Array.of(0)), 'sha256'],
    ['a signature without octets', digest, attribute(new Uint8Array()), 'sha256'],
  ];
  for (const [what, value, field, algorithm] of table)
    assert.equal(isSigned(keyring, algorithm, value, field), false, what);
});

test('truncations and bit flips of a signature are none, and no error', () => {
  everyTruncation(good, (cut) => assert.equal(isSigned(keyring, 'sha256', digest, cut), false));
  everyBitFlip(good.slice(0, 40), (flipped) => {
    const whole = concat(flipped, good.subarray(40));
    assert.equal(isSigned(keyring, 'sha256', digest, whole), false);
    readFileSignature(whole);
  });
});

test('a keyring takes certificates and public keys, and says what is wrong with others', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const table: [string, RegExp][] = [
    ['no key', /keys\[1\]: expected a certificate or public key/],
    [String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })), /keys\[1\]: a private key/],
    [
      String(ec.publicKey.export({ type: 'spki', format: 'pem' })),
      /keys\[1\]: a key of kind ec secp256k1, expected RSA, P-256/,
    ],
    [pem(short), /keys\[1\]: an RSA key of 1024 bits/],
  ];
  for (const [text, message] of table) {
    assert.throws(
      () => keyringOf([pem(rsa), text]),
      (e) => problem('input.malformed')(e as Error) && message.test(String(e)),
    );
  }
});

test('signatures of elliptic curves, of both signs, and what is none', () => {
  for (const [namedCurve, order] of [
    ['P-256', p256.Point.Fn.ORDER],
    ['P-384', p384.Point.Fn.ORDER],
    ['P-521', p521.Point.Fn.ORDER],
  ] as const) {
    const pair = generateKeyPairSync('ec', { namedCurve });
    const ring = keyringOf([String(pair.publicKey.export({ type: 'spki', format: 'pem' }))]);
    const [id] = ring.keys.keys();
    const signature = new Uint8Array(sign('sha256', Buffer.from('content'), pair.privateKey));
    const field = (sig: Uint8Array) =>
      concat(Uint8Array.of(3, 2, 4), fromHex(id!), Uint8Array.of(sig.length >> 8, sig.length & 255), sig);
    const { r, s } = readDer(signature);
    assert.equal(isSigned(ring, 'sha256', digest, field(signature)), true, namedCurve);
    assert.equal(isSigned(ring, 'sha256', digest, field(writeDer(r, order - s))), true, 'OpenSSL makes either sign');
    const table: [string, Uint8Array][] = [
      ['r of zero', writeDer(0n, s)],
      ['s of zero', writeDer(r, 0n)],
      ['s of the order', writeDer(r, order)],
      ['something behind it', concat(signature, Uint8Array.of(0))],
      ['another number', writeDer(r, s + 1n)],
    ];
    for (const [what, sig] of table)
      assert.equal(isSigned(ring, 'sha256', digest, field(sig)), false, `${namedCurve} ${what}`);
    assert.equal(isSigned(ring, 'sha256', digest.with(0, digest[0]! ^ 1), field(signature)), false);
  }
});

test('a log costs what it may and no more, and what was found good costs nothing again', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ring = keyringOf([String(pair.publicKey.export({ type: 'spki', format: 'pem' }))]);
  const [id] = ring.keys.keys();
  const field = (sig: Uint8Array) => concat(Uint8Array.of(3, 2, 4), fromHex(id!), Uint8Array.of(0, sig.length), sig);
  const good = field(new Uint8Array(sign('sha256', Buffer.from('content'), pair.privateKey)));
  const effort = { good: 1, bad: 3 };
  assert.equal(isSigned(ring, 'sha256', digest, good, effort), true);
  const another = field(new Uint8Array(sign('sha256', Buffer.from('content'), pair.privateKey)));
  assert.equal(isSigned(ring, 'sha256', digest, another, effort), false, 'nothing is left');
  assert.equal(isSigned(ring, 'sha256', digest, good, effort), true, 'it is remembered');
  const lies = { good: 9, bad: 2 };
  for (let i = 0; i < 5; i++) isSigned(ring, 'sha256', digest.with(0, i), good, lies);
  assert.deepEqual(lies, { good: 9, bad: 0 });
});

/** Ecdsa-Sig-Value (RFC 3279, 2.2.3), of short lengths. */
function readDer(der: Uint8Array): { r: bigint; s: bigint } {
  const at = der[1]! > 0x80 ? 3 : 2;
  const size = der[at + 1]!;
  const number = (from: number, length: number) =>
    BigInt(`0x${Buffer.from(der.subarray(from, from + length)).toString('hex')}`);
  return { r: number(at + 2, size), s: number(at + 4 + size, der[at + 3 + size]!) };
}

function writeDer(r: bigint, s: bigint): Uint8Array {
  const integer = (n: bigint) => {
    const digits = n.toString(16);
    const bytes = fromHex(digits.length % 2 === 0 ? digits : `0${digits}`);
    const positive = bytes[0]! >= 0x80 ? concat(Uint8Array.of(0), bytes) : bytes;
    return concat(Uint8Array.of(2, positive.length), positive);
  };
  const body = concat(integer(r), integer(s));
  return concat(body.length > 127 ? Uint8Array.of(0x30, 0x81, body.length) : Uint8Array.of(0x30, body.length), body);
}

const evmctl = spawnSync('evmctl', ['--version']).error === undefined;

test('signatures that evmctl(1) makes are believed, by certificate and by key', {
  skip: !evmctl && 'not installed: ima-evm-utils',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vouchsafe-evmctl-'));
  try {
    const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd: folder, stdio: 'ignore' });
    writeFileSync(join(folder, 'file'), 'content');
    for (const kind of [['rsa:2048'], ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']]) {
      const made = ['-nodes', '-keyout', 'k.pem', '-subj', '/CN=ima', '-out', 'c.pem'];
      run('openssl', 'req', '-new', '-x509', '-newkey', ...kind, ...made);
      const certificate = readFileSync(join(folder, 'c.pem'), 'utf8');
      const key = String(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }));
      for (const algorithm of ['sha256', 'sha512'] as const) {
        run('evmctl', 'ima_sign', '--sigfile', '--key', 'k.pem', '-a', algorithm, 'file');
        const field = new Uint8Array(readFileSync(join(folder, 'file.sig')));
        const value = new Uint8Array(createHash(algorithm).update('content').digest());
        for (const known of [certificate, key]) {
          assert.equal(isSigned(keyringOf([known]), algorithm, value, field), true, `${kind[0]} ${algorithm}`);
          assert.equal(isSigned(keyringOf([known]), algorithm, value.with(0, value[0]! ^ 1), field), false);
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
