import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { constants, createHash, generateKeyPairSync, hash, privateEncrypt, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
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
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const table: [string, RegExp][] = [
    ['no key', /keys\[1\]: expected a certificate or public key/],
    [String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })), /keys\[1\]: a private key/],
    [String(ec.publicKey.export({ type: 'spki', format: 'pem' })), /keys\[1\]: a key of kind ec, expected RSA/],
    [pem(short), /keys\[1\]: an RSA key of 1024 bits/],
  ];
  for (const [text, message] of table) {
    assert.throws(
      () => keyringOf([pem(rsa), text]),
      (e) => problem('input.malformed')(e as Error) && message.test(String(e)),
    );
  }
});

const evmctl = spawnSync('evmctl', ['--version']).error === undefined;

test('signatures that evmctl(1) makes are believed, by certificate and by key', {
  skip: !evmctl && 'not installed: ima-evm-utils',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vouchsafe-evmctl-'));
  try {
    const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd: folder, stdio: 'ignore' });
    run(
      'openssl',
      'req',
      '-new',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'k.pem',
      '-subj',
      '/CN=ima',
      '-out',
      'c.pem',
    );
    writeFileSync(join(folder, 'file'), 'content');
    for (const algorithm of ['sha256', 'sha512'] as const) {
      run('evmctl', 'ima_sign', '--sigfile', '--key', 'k.pem', '-a', algorithm, 'file');
      const field = new Uint8Array(readFileSync(join(folder, 'file.sig')));
      const value = new Uint8Array(createHash(algorithm).update('content').digest());
      const certificate = readFileSync(join(folder, 'c.pem'), 'utf8');
      const key = String(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }));
      for (const known of [certificate, key]) {
        assert.equal(isSigned(keyringOf([known]), algorithm, value, field), true);
        assert.equal(isSigned(keyringOf([known]), algorithm, value.with(0, value[0]! ^ 1), field), false);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
