import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import type { CryptographicParameters as Parameters } from '@vouchsafe/kmip/cryptographic-parameters';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { rsaDecrypt, rsaEncrypt } from './rsa-cipher.ts';
import { sign, verify } from './signature.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const data = Buffer.from('what was agreed');
const refused = (reason: string) => (error: unknown) => error instanceof OperationError && error.reason === reason;

test('RSA signs and verifies with PKCS #1 v1.5 and PSS, an EC key with ECDSA; whatever was changed does not verify', () => {
  const cases: [typeof rsa, Parameters][] = [
    [rsa, { padding: 'PKCS1 v1.5', hash: 'SHA-256' }],
    [rsa, { padding: 'PSS', hash: 'SHA-256' }],
    [rsa, { padding: 'PSS', hash: 'SHA-384', saltLength: 20 }],
    [rsa, { signatureAlgorithm: 'SHA-512 with RSA Encryption' }],
    [rsa, { signatureAlgorithm: 'RSASSA-PSS', hash: 'SHA-256' }],
    [ec, { hash: 'SHA-256' }],
    [ec, { algorithm: 'ECDSA', hash: 'SHA-384' }],
    [ec, { signatureAlgorithm: 'ECDSA with SHA256' }],
  ];
  for (const [{ privateKey, publicKey }, parameters] of cases) {
    const signature = sign(privateKey, parameters, data);
    assert.equal(verify(publicKey, parameters, data, signature), true, JSON.stringify(parameters));
    assert.equal(verify(publicKey, parameters, Buffer.from('another text'), signature), false);
    const changed = Uint8Array.from(signature, (octet, i) => (i === 20 ? octet ^ 1 : octet));
    assert.equal(verify(publicKey, parameters, data, changed), false);
    assert.equal(verify(publicKey, parameters, data, Buffer.alloc(0)), false);
  }
  const signature = sign(rsa.privateKey, { padding: 'PSS', hash: 'SHA-256' }, data);
  assert.equal(verify(other.publicKey, { padding: 'PSS', hash: 'SHA-256' }, data, signature), false);
  assert.equal(verify(rsa.publicKey, { padding: 'PSS', hash: 'SHA-1' }, data, signature), false);
  assert.equal(verify(rsa.publicKey, { padding: 'PKCS1 v1.5', hash: 'SHA-256' }, data, signature), false);
});

test('parameters that suit no key or contradict each other are refused', () => {
  const bad: [typeof rsa, Parameters][] = [
    [rsa, {}],
    [rsa, { hash: 'SHA-256' }],
    [rsa, { padding: 'PSS' }],
    [rsa, { padding: 'PSS', hash: 'MD5' }],
    [rsa, { signatureAlgorithm: 'MD5 with RSA Encryption' }],
    [rsa, { signatureAlgorithm: 'ECDSA with SHA256' }],
    [rsa, { signatureAlgorithm: 'SHA-256 with RSA Encryption', hash: 'SHA-1' }],
    [rsa, { padding: 'PSS', hash: 'SHA-256', saltLength: -2 }],
    [ec, { signatureAlgorithm: 'SHA-256 with RSA Encryption' }],
    [ec, {}],
  ];
  for (const [{ privateKey }, parameters] of bad)
    assert.throws(() => sign(privateKey, parameters, data), refused('Invalid Field'), JSON.stringify(parameters));
});

test('RSA encrypts and decrypts with OAEP; what was changed or belongs to another key does not open', () => {
  for (const hash of [undefined, 'SHA-256', 'SHA-512'] as const) {
    const parameters = { padding: 'OAEP', hash } as const;
    const encrypted = rsaEncrypt(rsa.publicKey, parameters, data);
    assert.deepEqual(rsaDecrypt(rsa.privateKey, parameters, encrypted), data);
    assert.throws(() => rsaDecrypt(other.privateKey, parameters, encrypted), refused('Cryptographic Failure'));
    const changed = Uint8Array.from(encrypted, (octet, i) => (i === 20 ? octet ^ 1 : octet));
    assert.throws(() => rsaDecrypt(rsa.privateKey, parameters, changed), refused('Cryptographic Failure'));
  }
  const parameters = { padding: 'PKCS1 v1.5' } as const;
  assert.deepEqual(rsaDecrypt(rsa.privateKey, parameters, rsaEncrypt(rsa.publicKey, parameters, data)), data);
  assert.throws(() => rsaEncrypt(rsa.publicKey, {}, data), refused('Invalid Field'));
  assert.throws(
    () => rsaEncrypt(rsa.publicKey, { padding: 'OAEP', hash: 'SHA-256' }, Buffer.alloc(512)),
    refused('Cryptographic Failure'),
  );
});

test('a PKCS #1 v1.5 padding that is wrong gives no sign of it', () => {
  const parameters = { padding: 'PKCS1 v1.5' } as const;
  const encrypted = rsaEncrypt(other.publicKey, parameters, data);
  const shorter = Uint8Array.from(encrypted, (octet, i) => (i === 0 ? 0 : octet));
  assert.notDeepEqual(rsaDecrypt(rsa.privateKey, parameters, shorter), data);
});

test('OAEP with two digests understands OpenSSL, and OpenSSL understands it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'oaep-'));
  try {
    const file = (name: string, octets: string | Uint8Array) => {
      writeFileSync(join(folder, name), octets);
      return join(folder, name);
    };
    const key = file('key.pem', rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const options = [
      'rsa_padding_mode:oaep',
      'rsa_oaep_md:sha384',
      'rsa_mgf1_md:sha256',
      'rsa_oaep_label:6c6162656c',
    ].flatMap((each) => ['-pkeyopt', each]);
    const openssl = async (what: string, name: string) => {
      const out = join(folder, 'out');
      await promisify(execFile)('openssl', ['pkeyutl', what, '-inkey', key, ...options, '-in', name, '-out', out]);
      return readFileSync(out);
    };
    const digests = { hash: 'SHA-384', maskGeneratorHash: 'SHA-256' } as const;
    const parameters = { padding: 'OAEP', ...digests, pSource: Buffer.from('label') } as const;
    assert.deepEqual(rsaDecrypt(rsa.privateKey, parameters, await openssl('-encrypt', file('plain', data))), data);
    const encrypted = rsaEncrypt(rsa.publicKey, parameters, data);
    assert.deepEqual(await openssl('-decrypt', file('encrypted', encrypted)), data);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('OAEP with two digests refuses what was changed, too long, or padded with other digests, in one text', () => {
  const parameters = { padding: 'OAEP', hash: 'SHA-384', maskGeneratorHash: 'SHA-256' } as const;
  const failing = (work: () => unknown) => assert.throws(work, /the data do not suit the key and padding/);
  for (const length of [0, 1, 158]) {
    const plain = Buffer.alloc(length, 1);
    assert.deepEqual(rsaDecrypt(rsa.privateKey, parameters, rsaEncrypt(rsa.publicKey, parameters, plain)), plain);
  }
  failing(() => rsaEncrypt(rsa.publicKey, parameters, Buffer.alloc(159)));
  const encrypted = rsaEncrypt(rsa.publicKey, parameters, data);
  for (let at = 0; at < encrypted.length; at += 17)
    failing(() =>
      rsaDecrypt(
        rsa.privateKey,
        parameters,
        encrypted.map((octet, i) => (i === at ? octet ^ 1 : octet)),
      ),
    );
  for (const other of [{ hash: 'SHA-256' }, { maskGeneratorHash: 'SHA-1' }, { pSource: data }] as const)
    failing(() => rsaDecrypt(rsa.privateKey, { ...parameters, ...other }, encrypted));
  const bare = { key: rsa.publicKey, padding: constants.RSA_NO_PADDING };
  for (const block of [Buffer.alloc(256), Buffer.concat([Uint8Array.of(1), Buffer.alloc(255)])])
    failing(() => rsaDecrypt(rsa.privateKey, parameters, publicEncrypt(bare, block)));
});
