import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority, issue, newKeyPair, type Usage } from '../../x509/authority.ts';
import { constraintsOf } from '../../x509/constraints.ts';
import { Appraisal, type AppraisalInput } from '../appraisal.ts';
import { ekHashOfCertificate } from '../ek.ts';
import { defaultTpmSettings } from '../policy.ts';
import { trustIn } from '../tpm-trust.ts';
import { ekCertificate } from './ek-certificate.ts';

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };
const maker = await createAuthority({ name: 'maker', ...validity });

/** A certificate of the TPM maker's CA, for a key that its owner holds in software. */
async function certified(...usages: Usage[]): Promise<X509Certificate> {
  const { publicKey } = newKeyPair();
  return new X509Certificate(await issue({ authority: maker, publicKey, subject: 'key', usages, ...validity }));
}

function findings(leaf: X509Certificate) {
  const authority = { name: 'maker', chain: [new X509Certificate(maker.certificatePem)], virtual: false };
  const appraisal = new Appraisal({
    challenge: { ek: ekHashOfCertificate(leaf) },
    evidence: { ekCertificate: leaf, intermediates: [] },
    policy: { settings: defaultTpmSettings, trust: trustIn(authority) },
    host: undefined,
    now: Date.parse('2030-01-01') / 1000,
  } as unknown as AppraisalInput);
  const found = ekCertificate.run(appraisal).map(({ check }) => check);
  return { found, proven: appraisal.has('tpm') };
}

test('a certificate for agreeing on keys under the CA of a maker is one of an EK', async () => {
  assert.deepEqual(findings(await certified('agree')), { found: [], proven: true });
});

test('a certificate of a signing key under the same CA is none, whoever holds that key', async () => {
  assert.deepEqual(findings(await certified('sign')), { found: ['ek.sign-only'], proven: false });
});

test('nor is one for another purpose', async () => {
  assert.deepEqual(findings(await certified('server')), { found: ['ek.certificate'], proven: false });
});

const corpus = process.env.VOUCHSAFE_CORPUS;

test('real EK and AK certificates of one CA that states no purpose are told apart by their key usage', {
  skip: corpus === undefined && 'VOUCHSAFE_CORPUS is not set',
}, () => {
  const encrypts = (kind: string) =>
    ['rsa', 'ecc'].map(
      (algorithm) =>
        constraintsOf(
          new X509Certificate(readFileSync(join(String(corpus), 'certs', `gce_pca_tpm_${algorithm}_${kind}_cert.pem`))),
        ).encrypts,
    );
  assert.deepEqual(encrypts('enc'), [true, true]);
  assert.deepEqual(encrypts('sign'), [false, false]);
});
