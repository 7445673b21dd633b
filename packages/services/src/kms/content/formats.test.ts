import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { everyBitFlip, everyTruncation } from '@vouchsafe/bytes/hostile';
import { Secret } from '@vouchsafe/bytes/secret';
import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { certificateAttributes } from './certificate-attributes.ts';
import { type KeyHalf, readKey, writeKey } from './key-formats.ts';

const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
};

const cases: [keyof typeof pairs, KeyHalf, string[]][] = [
  ['rsa', 'Private Key', ['PKCS#1', 'PKCS#8', 'Transparent RSA Private Key']],
  ['rsa', 'Public Key', ['PKCS#1', 'X.509', 'Transparent RSA Public Key']],
  ['P-256', 'Private Key', ['ECPrivateKey', 'PKCS#8', 'Transparent EC Private Key']],
  ['P-256', 'Public Key', ['X.509', 'Transparent EC Public Key']],
  ['P-521', 'Private Key', ['ECPrivateKey', 'PKCS#8', 'Transparent ECDSA Private Key']],
  ['P-521', 'Public Key', ['X.509', 'Transparent ECDH Public Key']],
];

for (const [kind, half, formats] of cases)
  test(`a ${half} of ${kind} is the same key in every format`, () => {
    const key = half === 'Private Key' ? pairs[kind].privateKey : pairs[kind].publicKey;
    for (const from of formats)
      for (const to of formats) {
        const once = readKey(half, from, writeKey(half, from, key));
        assert.equal(readKey(half, to, writeKey(half, to, once)).equals(key), true, `${from} to ${to}`);
      }
    const other = kind === 'rsa' ? 'Transparent EC Private Key' : 'Transparent RSA Private Key';
    assert.throws(() => writeKey(half, other, key), refused('Key Format Type Not Supported'));
  });

const refused =
  (...reasons: string[]) =>
  (error: unknown) =>
    error instanceof OperationError && reasons.includes(error.reason);

/** Nothing but a value or a refusal comes of it. */
function survives(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof OperationError, String(error));
  }
}

test('octets that are no key are refused, whatever is wrong with them', () => {
  const whole = pairs['P-256'].privateKey.export({ format: 'der', type: 'sec1' });
  const read = (octets: Uint8Array) => readKey('Private Key', 'ECPrivateKey', Secret.take(Uint8Array.from(octets)));
  everyTruncation(whole, (cut) => assert.throws(() => read(cut), refused('Invalid Field')));
  everyBitFlip(whole, (flipped) => survives(() => read(flipped)));
  assert.throws(() => readKey('Private Key', 'Transparent RSA Private Key', {}), refused('Invalid Field'));
  assert.throws(
    () => readKey('Private Key', 'Transparent EC Private Key', { curve: 'K-163' }),
    refused('Invalid Field'),
  );
  assert.throws(() => readKey('Public Key', 'Raw', {}), refused('Key Format Type Not Supported'));
});

function certificate(): X509Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  try {
    const out = (name: string) => join(folder, name);
    const subject = ['-subj', '/C=US/O=A\\, B/CN=key'];
    const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-set_serial', '0xA0'];
    execFileSync('openssl', ['req', ...made, ...subject, '-keyout', out('key'), '-out', out('pem')], {
      stdio: 'ignore',
    });
    return new X509Certificate(readFileSync(out('pem')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the attributes of a certificate are those that it says, and no octets crash their reader', () => {
  const { raw } = certificate();
  const attributes: Attribute[] = certificateAttributes(raw);
  assert.deepEqual(attributeValue(attributes, 'Certificate Identifier'), {
    issuer: 'CN=key,O=A\\, B,C=US',
    serialNumber: 'A0',
  });
  assert.equal(attributeValue(attributes, 'Digital Signature Algorithm'), 'ECDSA with SHA256');
  assert.equal(attributeValue(attributes, 'Cryptographic Length'), 256);
  everyTruncation(raw, (cut) => assert.throws(() => certificateAttributes(cut), refused('Invalid Field')));
  everyBitFlip(raw, (flipped) => survives(() => certificateAttributes(flipped)));
});
