import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readCertificate, subjectText } from '../x509/certificate.ts';
import { isIssuedBy } from '../x509/chain.ts';
import { pemBlocks } from '../x509/pem-blocks.ts';
import { planBundle } from './ca-bundle.ts';
import { authorityOf, type CertifyInput } from './ek.ts';
import { mayEncrypt, readEkLeaf, statesPurpose } from './ek-leaf.ts';
import { trustIn } from './tpm-trust.ts';
import { virtualTpm } from './virtual-tpms.ts';

const corpus = process.env.VOUCHSAFE_CORPUS;
const certs = join(String(corpus), 'certs');
const now = Date.parse('2026-06-01') / 1000;

/** What an EK certificate of the corpus is: what it says of its TPM, what had to be borne, and what it may be used for. */
interface Leaf {
  readonly tpm: string;
  readonly quirks: readonly string[];
  /** `ek` may take part in encryption, `ak` only signs. */
  readonly key: 'ek' | 'ak';
  readonly virtual: boolean;
}

const google = { tpm: 'undefined undefined undefined', virtual: true };
const leaves: Readonly<Record<string, Leaf>> = {
  'ek_cert_with_security_assertions.cer': {
    tpm: 'IFX SLB9635TT1.2 id:0313',
    quirks: ['ek.no-key-usage', 'ek.no-purpose', 'ek.rsaes-oaep', 'ek.sha1', 'ek.stored-header', 'ek.trailing-bytes'],
    key: 'ek',
    virtual: false,
  },
  'gce_pca_tpm_ecc_enc_cert.pem': { ...google, quirks: ['ek.no-purpose'], key: 'ek' },
  'gce_pca_tpm_rsa_enc_cert.pem': { ...google, quirks: ['ek.no-purpose'], key: 'ek' },
  'gce_pca_tpm_ecc_sign_cert.pem': { ...google, quirks: ['ek.key-usage', 'ek.no-purpose'], key: 'ak' },
  'gce_pca_tpm_rsa_sign_cert.pem': { ...google, quirks: ['ek.key-usage', 'ek.no-purpose'], key: 'ak' },
  'gce_uca_tpm_ecc_enc_cert.pem': { tpm: 'GOOG vTPM id:20160511', quirks: [], key: 'ek', virtual: true },
  'gce_uca_tpm_rsa_enc_cert.pem': { tpm: 'GOOG vTPM id:20160511', quirks: [], key: 'ek', virtual: true },
  'nuc1_ek_cert_with_7_byte_header.cer': {
    tpm: 'STM ST33ZP24PVSP id:0D0C',
    quirks: ['ek.no-key-usage', 'ek.rsaes-oaep', 'ek.sha1', 'ek.stored-header'],
    key: 'ek',
    virtual: false,
  },
  'nuc1_tpmcert.pem': {
    tpm: 'STM ST33ZP24PVSP id:0D0C',
    quirks: ['ek.no-key-usage', 'ek.rsaes-oaep', 'ek.sha1'],
    key: 'ek',
    virtual: false,
  },
};

const authorities = ['gstpmroot.crt', 'stmtpmekint02.crt', 'stmtpmekroot.crt'] as const;
const bundles = { 'tpm-vendor-roots.pem': 26, 'tpm-vendor-intermediates.pem': 143 } as const;

const octets = (file: string): Uint8Array[] => {
  const bytes = readFileSync(join(certs, file));
  const blocks = pemBlocks(bytes.toString('latin1'), 'CERTIFICATE');
  return blocks.length === 0 ? [bytes] : blocks;
};

describe('certificates of real TPMs and makers', {
  skip: corpus === undefined && 'VOUCHSAFE_CORPUS is not set',
}, () => {
  test('every file is known', () => {
    const known = [...Object.keys(leaves), ...authorities, ...Object.keys(bundles)];
    assert.deepEqual(readdirSync(certs).toSorted(), known.toSorted());
  });

  for (const [file, expected] of Object.entries(leaves)) {
    test(`${file}: read with its quirks named, over the octets that were signed`, () => {
      const leaf = readEkLeaf(octets(file)[0] ?? new Uint8Array());
      const { certificate } = leaf;
      const issuer = subjectText({ ...certificate, subject: certificate.issuer });
      assert.equal(`${leaf.manufacturer} ${leaf.model} ${leaf.version}`, expected.tpm);
      assert.deepEqual(leaf.quirks, expected.quirks);
      assert.match(String(certificate.publicKey.hash), /^[0-9a-f]{64}$/);
      const says = statesPurpose(certificate) ?? mayEncrypt(certificate) ?? leaf.manufacturer !== undefined;
      assert.equal(says ? 'ek' : 'ak', expected.key);
      const parent = { ...certificate, subject: certificate.issuer };
      assert.equal(virtualTpm(leaf, [parent]) !== undefined, expected.virtual, issuer);
    });
  }

  test('the chain of a real TPM is followed, and no byte of it may change', () => {
    const [root, intermediate, top] = ['stmtpmekroot.crt', 'stmtpmekint02.crt', 'gstpmroot.crt'].map((file) =>
      readCertificate(octets(file)[0]!),
    );
    const bytes = octets('nuc1_ek_cert_with_7_byte_header.cer')[0]!;
    const find = (of: Uint8Array, change: Partial<CertifyInput> = {}) => {
      const trust = trustIn({ name: 'globalsign', chain: [top!, root!], virtual: false });
      const leaf = readEkLeaf(of).certificate;
      const found = authorityOf({ leaf, links: [intermediate!], trust, crl: 'if-present', now, ...change });
      return 'kind' in found ? found.kind : found.authority.name;
    };
    assert.equal(find(bytes), 'globalsign');
    assert.equal(find(bytes, { links: [] }), 'unknown');
    assert.equal(find(bytes, { trust: trustIn({ name: 'stm', chain: [root!], virtual: false }) }), 'stm');
    assert.equal(find(octets('nuc1_tpmcert.pem')[0]!), 'globalsign');
    const { tbs } = readEkLeaf(bytes).certificate;
    for (const at of [30, 200, tbs.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[Buffer.from(bytes).indexOf(tbs) + at]! ^= 1;
      assert.notEqual(
        attempt(() => find(changed)),
        'globalsign',
        `byte ${at}`,
      );
    }
  });

  test('the bundle of makers imports at once: every certificate of it leads to a root', () => {
    const all = Object.keys(bundles).flatMap(octets);
    assert.deepEqual(
      Object.keys(bundles).map((file) => octets(file).length),
      Object.values(bundles),
    );
    const plan = planBundle(all, { roots: new Map(), names: [], others: [] }, { now });
    assert.deepEqual(plan.skipped, []);
    assert.equal(plan.roots.length + plan.intermediates.length, 169);
    assert.deepEqual(
      plan.roots.filter(({ issuer }) => issuer !== undefined).map(({ name }) => name),
      ['amd-pluton-global-factory-ica'],
    );
    assert.equal(new Set(plan.roots.map(({ name }) => name)).size, plan.roots.length);
    const names = plan.roots.map(({ name }) => name);
    for (const name of [
      'intel-ondie-ca-root-cert-signing',
      'infineon-optiga-tm-rsa-root-ca-2',
      'stsafe-ecc-root-ca-02',
    ])
      assert.ok(names.includes(name), `${name} of ${names.join(' ')}`);
    const certificates = all.map((der) => readCertificate(der));
    for (const { certificate } of plan.intermediates)
      assert.ok(
        certificates.some((each) => isIssuedBy(certificate, each)),
        subjectText(certificate),
      );
  });

  test('a leaf below each kind of firmware and discrete TPM finds its root among the whole bundle', () => {
    const all = Object.keys(bundles).flatMap(octets);
    const plan = planBundle(all, { roots: new Map(), names: [], others: [] }, { now });
    const trust = {
      ...trustIn(...plan.roots.map(({ name, certificate }) => ({ name, chain: [certificate], virtual: false }))),
      intermediates: plan.intermediates.map(({ certificate }) => certificate),
    };
    for (const { certificate, root } of plan.intermediates) {
      const found = authorityOf({ leaf: certificate, links: [], trust, crl: 'if-present', now });
      assert.equal('kind' in found ? found.why : found.authority.name, root, subjectText(certificate));
    }
  });
});

function attempt(f: () => string): string {
  try {
    return f();
  } catch {
    return 'unreadable';
  }
}
