import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { signAssertion } from '@vouchsafe/domain/attestation/saml/assertion';
import { verifyAssertion } from '@vouchsafe/domain/attestation/saml/verify-assertion';
import { jwkOf } from '@vouchsafe/domain/keys/jwk';
import { newSession, sampleClaims, testGroup, testTime } from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';

const skip = existsSync('/usr/bin/xmlsec1') ? false : 'xmlsec1 is not installed';
/** As xmlsec1 wants it: in the local zone. */
const verificationTime = '2026-09-21 14:20:00';

test('xmlsec1 and we agree on assertions that hold and on ones that do not', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'saml-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [ours, session] = [await testGroup(), newSession()];
  const { key, certificate } = await ours.inRole('attestd');
  writeFileSync(join(folder, 'ca.pem'), ours.authority.certificatePem);
  const xml = signAssertion(key, certificate, {
    claims: sampleClaims(ours.group, session, { host: 'kvm-<ä>&"1"' }),
    holder: jwkOf(session.signing.publicKey),
  });
  const xmlsec = (text: string): boolean => {
    writeFileSync(join(folder, 'assertion.xml'), text);
    const id = 'urn:oasis:names:tc:SAML:2.0:assertion:Assertion';
    const args = ['--verify', '--trusted-pem', join(folder, 'ca.pem'), '--verification-time', verificationTime];
    try {
      execFileSync('xmlsec1', [...args, '--id-attr:ID', id, join(folder, 'assertion.xml')], {
        stdio: 'ignore',
        env: { PATH: process.env.PATH, TZ: 'UTC' },
      });
      return true;
    } catch {
      return false;
    }
  };
  assert.equal(xmlsec(xml), true);
  assert.equal((await verifyAssertion(xml, ours.group, testTime)).attributes.host, 'kvm-<ä>&"1"');
  const other = signAssertion((await ours.inRole('attestd')).key, certificate, {
    claims: sampleClaims(ours.group, session),
    holder: jwkOf(session.signing.publicKey),
  });
  const bad = [
    xml.replace('cluster-a', 'cluster-b'),
    xml.replace('ID="_token-1"', 'ID="_token-2"'),
    xml.replace(/NotOnOrAfter="[^"]*"/, 'NotOnOrAfter="2099-01-01T00:00:00Z"'),
    xml.replace(/<ds:DigestValue>./, '<ds:DigestValue>x'),
    xml.replace(/<ds:SignatureValue>..../, '<ds:SignatureValue>AAAA'),
    xml.replace('</saml:Assertion>', '<x/></saml:Assertion>'),
    other,
  ];
  for (const each of bad) {
    assert.notEqual(each, xml);
    assert.equal(xmlsec(each), false, each.slice(0, 200));
    await assert.rejects(verifyAssertion(each, ours.group, testTime), problem('token.invalid'));
  }
});
