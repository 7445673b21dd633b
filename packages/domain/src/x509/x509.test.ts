import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import test from 'node:test';
import { createAuthority, issue, newKeyPair, verifyIssued } from './authority.ts';
import { certificateFacts } from './facts.ts';
import { createRequest, parseRequest } from './request.ts';

const at = new Date('2026-06-01T00:00:00Z');
const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };

test('an issued certificate says what was ordered and verifies under its authority only', async () => {
  const authority = await createAuthority({ name: 'one', ...validity });
  const { publicKey } = newKeyPair();
  const sans = { dns: ['localhost'], ip: ['127.0.0.1', '::1'], uri: ['urn:example:role:a'] };
  const pem = await issue({ authority, publicKey, subject: 'leaf', sans, usages: ['server', 'client'], ...validity });
  const facts = certificateFacts(pem);
  assert.equal(facts.commonName, 'leaf');
  assert.deepEqual(facts.sans, sans);
  assert.deepEqual(facts.purposes, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.deepEqual(verifyIssued(pem, authority.certificatePem, at), { issued: true });
  assert.ok(new X509Certificate(pem).publicKey.equals(publicKey));
});

test('another authority, even with the same name, did not issue it', async () => {
  const [authority, namesake] = await Promise.all([
    createAuthority({ name: 'one', ...validity }),
    createAuthority({ name: 'one', ...validity }),
  ]);
  const pem = await issue({
    authority,
    publicKey: newKeyPair().publicKey,
    subject: 'x',
    usages: ['sign'],
    ...validity,
  });
  assert.equal(verifyIssued(pem, namesake.certificatePem, at).issued, false);
  assert.deepEqual(certificateFacts(pem).purposes, []);
});

test('outside its validity, or from something that is no authority, nothing counts as issued', async () => {
  const authority = await createAuthority({ name: 'one', ...validity });
  const pair = newKeyPair();
  const pem = await issue({ authority, publicKey: pair.publicKey, subject: 'x', usages: ['client'], ...validity });
  assert.match(reason(verifyIssued(pem, authority.certificatePem, new Date('2027-06-01'))), /not valid at this time/);
  assert.match(reason(verifyIssued(pem, pem, at)), /not a certificate authority/);
  const below = await issue({
    authority: { certificatePem: pem, privateKey: pair.privateKey },
    publicKey: newKeyPair().publicKey,
    subject: 'below',
    usages: ['client'],
    ...validity,
  });
  assert.match(reason(verifyIssued(below, pem, at)), /not a certificate authority/);
});

test('a name cannot smuggle further attributes into the subject', async () => {
  const authority = await createAuthority({ name: 'a, O=b', ...validity });
  const order = { authority, publicKey: newKeyPair().publicKey, usages: ['client'] as const, ...validity };
  for (const subject of ['x,O=admin', '#0c0161', 'x+CN=y', 'x\\', '"x"', ' x']) {
    const pem = await issue({ ...order, subject });
    assert.equal(certificateFacts(pem).commonName, subject);
    assert.equal(verifyIssued(pem, authority.certificatePem, at).issued, true);
  }
});

test('a certificate request gives back its subject, key and names', async () => {
  const { privateKey, publicKey } = newKeyPair();
  const request = await parseRequest(await createRequest({ subject: 'h', privateKey, sans: { dns: ['h.example'] } }));
  assert.equal(request.commonName, 'h');
  assert.deepEqual(request.sans, { dns: ['h.example'], ip: [], uri: [] });
  assert.ok(request.publicKey.equals(publicKey));
});

test('a certificate request with another key than the one that signed it is refused', async () => {
  const pem = await createRequest({ subject: 'h', privateKey: newKeyPair().privateKey });
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const other = newKeyPair().publicKey.export({ type: 'spki', format: 'der' });
  const at = der.indexOf(other.subarray(0, 27));
  assert.notEqual(at, -1);
  other.copy(der, at);
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  await assert.rejects(parseRequest(forged), /the signature is not by the key it names/);
  der[at + 26] = 9;
  const unreadable = forged.replace(/\n[^-]+\n/, `\n${der.toString('base64')}\n`);
  await assert.rejects(parseRequest(unreadable), /the signature is not by the key it names/);
  await assert.rejects(parseRequest('not a request'), /not a PKCS#10 request/);
});

const reason = (verdict: ReturnType<typeof verifyIssued>): string => (verdict.issued ? '' : verdict.reason);
