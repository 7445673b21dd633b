import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alternativeNames,
  basicConstraints,
  caExtensions,
  ekExtensions,
  keyUsage,
  type Made,
  make,
  makeCrl,
  makeEk,
  purposes,
  tpmName,
  type Wanted,
} from '../../testing/certificates.ts';
import { testTime } from '../../testing/group.ts';
import { type Crl, readCrl } from '../../x509/crl.ts';
import { Appraisal, type AppraisalInput } from '../appraisal.ts';
import type { HostRecord } from '../host-record.ts';
import { defaultTpmSettings, type TpmSettings } from '../policy.ts';
import type { TpmTrust } from '../tpm-trust.ts';
import { ekCertificate } from './ek-certificate.ts';

const maker = make({ subject: 'maker' });
const issuer = make({ subject: 'issuer', by: maker });
const listed = { state: 'approved', enrolled: 'approved', tpm: 'listed' } as HostRecord;

interface Case {
  readonly settings?: Partial<TpmSettings>;
  readonly host?: HostRecord;
  readonly crls?: readonly Crl[];
  readonly bytes?: Uint8Array | undefined;
  readonly ek?: string | undefined;
  readonly trust?: TpmTrust;
  readonly virtual?: boolean;
}

/** What the check finds for a certificate under the maker's issuer, and what it proves. */
function check(leaf: Made, { settings = {}, host, crls = [], virtual = false, ...more }: Case = {}) {
  const chain = [maker.certificate, issuer.certificate];
  const authority = { name: 'maker', chain, virtual };
  const appraisal = new Appraisal({
    challenge: { ek: 'ek' in more ? more.ek : leaf.certificate.publicKey.hash },
    evidence: { ekCertificate: 'bytes' in more ? more.bytes : leaf.der, intermediates: [] },
    policy: {
      settings: { ...defaultTpmSettings, ...settings },
      trust: more.trust ?? { authorities: [authority], intermediates: [], crls },
    },
    host,
    now: testTime,
  } as unknown as AppraisalInput);
  const findings = ekCertificate.run(appraisal);
  const found = findings.map((finding) => `${finding.severity} ${finding.check}`);
  return {
    found,
    details: findings.map(({ detail }) => detail).join('; '),
    tpm: appraisal.has('tpm') ? appraisal.get('tpm') : undefined,
    certificate: appraisal.has('certificate') ? appraisal.get('certificate') : undefined,
  };
}

const ek = (wanted: Partial<Wanted> = {}) => makeEk(issuer, wanted);
const bear = () => undefined;
const found = (wanted: Partial<Wanted>, more: Case = {}) => check(ek({ odd: bear, ...wanted }), more).found;

test('a certificate for endorsement keys under the CA of a maker proves a TPM', () => {
  const { found, tpm, certificate } = check(ek());
  assert.deepEqual(found, []);
  assert.equal(tpm, 'hardware');
  assert.deepEqual(certificate, { manufacturer: undefined, model: undefined, version: undefined, quirks: [] });
  assert.equal(check(ek(), { virtual: true }).tpm, 'virtual');
});

test('a certificate of a signing key under the same CA is none, whoever holds that key', () => {
  const rows: [Partial<Wanted>, string[]][] = [
    [{ extensions: [basicConstraints(false), keyUsage(0)] }, ['fail ek.sign-only']],
    [{ extensions: [basicConstraints(false), keyUsage(0), purposes('2.23.133.8.1')] }, ['fail ek.sign-only']],
    [{ extensions: [basicConstraints(false), keyUsage(4), purposes('1.3.6.1.5.5.7.3.1')] }, ['fail ek.certificate']],
    [{ extensions: [basicConstraints(false)] }, ['fail ek.certificate']],
    [{ extensions: caExtensions }, ['fail ek.certificate']],
    [{ kind: 'rsa1024' }, ['fail ek.weak']],
  ];
  for (const [wanted, expected] of rows) {
    const refused = check(ek(wanted));
    assert.deepEqual([refused.found, refused.tpm], [expected, undefined], refused.details);
  }
});

test('a certificate that says in one way only that it is one of an EK is borne, and the quirk is named', () => {
  assert.deepEqual(found({ extensions: [basicConstraints(false), keyUsage(4)] }), ['info quirk.ek.no-purpose']);
  assert.deepEqual(found({ extensions: [basicConstraints(false), purposes('2.23.133.8.1')] }), [
    'info quirk.ek.no-key-usage',
  ]);
  assert.deepEqual(found({ extensions: [basicConstraints(false), keyUsage(0, 4), purposes('2.23.133.8.1')] }), [
    'info quirk.ek.key-usage',
  ]);
  const named = alternativeNames(true, tpmName('id:53544D20', 'ST33', 'id:0D0C'));
  assert.deepEqual(found({ extensions: [named] }), ['info quirk.ek.no-key-usage', 'info quirk.ek.no-purpose']);
});

test('what the certificate says of its TPM is proven with it', () => {
  const named = alternativeNames(true, tpmName('id:53544D20', 'ST33\u001b[31m', 'id:0D0C'));
  const { certificate } = check(ek({ extensions: [...ekExtensions, named] }));
  assert.deepEqual(certificate, { manufacturer: 'STM', model: 'ST33\ufffd[31m', version: 'id:0D0C', quirks: [] });
});

test('software TPMs are virtual also under a CA that nobody marked so', () => {
  const rows: [string, string, string][] = [
    ['id:00001014', 'swtpm', 'virtual'],
    ['id:474F4F47', 'vTPM', 'virtual'],
    ['id:414D5A4E', 'NitroTPM', 'virtual'],
    ['id:564D5700', 'VMware TPM', 'virtual'],
    ['id:53544D20', 'ST33', 'hardware'],
    ['id:4D534654', 'Pluton', 'hardware'],
  ];
  for (const [manufacturer, model, tpm] of rows) {
    const named = alternativeNames(true, tpmName(manufacturer, model, 'id:1'));
    assert.equal(check(ek({ extensions: [...ekExtensions, named] })).tpm, tpm, manufacturer);
  }
});

test('a certificate for another key, none at all, or one that cannot be read proves nothing', () => {
  assert.deepEqual(check(ek(), { ek: 'ab'.repeat(32) }).found, ['fail ek.certificate']);
  assert.deepEqual(check(ek(), { bytes: undefined }).found, ['fail ek.certificate']);
  assert.deepEqual(check(ek(), { bytes: Uint8Array.of(0x30, 0) }).found, ['fail ek.certificate']);
  assert.deepEqual(check(ek(), { bytes: new Uint8Array() }).found, ['fail ek.certificate']);
});

test('octets from NV around the certificate are borne; its signature still counts', () => {
  const { der } = ek();
  const size = der.length + 2;
  const header = Uint8Array.of(0x10, 0x01, 0, size >> 8, size & 0xff, 0x10, 0x02);
  const leaf = ek();
  const padded = Buffer.concat([leaf.der, Buffer.alloc(100)]);
  assert.deepEqual(check(leaf, { bytes: padded }).found, ['info quirk.ek.trailing-bytes']);
  assert.deepEqual(check(leaf, { bytes: Buffer.concat([header, leaf.der, Buffer.alloc(9, 0xff)]) }).found, [
    'info quirk.ek.stored-header',
    'info quirk.ek.trailing-bytes',
  ]);
  const forged = Buffer.from(padded);
  forged[leaf.der.length - 1]! ^= 1;
  assert.deepEqual(check(leaf, { bytes: forged }).found, ['fail ek.certificate']);
});

test('an expired certificate counts for a TPM that somebody vouches for, or as the settings say', () => {
  const expired = { until: -1 };
  assert.deepEqual(found(expired), ['fail ek.expired']);
  assert.deepEqual(found(expired, { host: listed }), ['info ek.expired']);
  assert.deepEqual(found(expired, { host: { ...listed, enrolled: 'auto' } }), ['fail ek.expired']);
  assert.deepEqual(found(expired, { settings: { expired_certificates: 'accept' } }), ['info ek.expired']);
  assert.deepEqual(found(expired, { host: listed, settings: { expired_certificates: 'refuse' } }), ['fail ek.expired']);
  assert.deepEqual(found({ from: 60 }, { host: listed }), ['fail ek.expired']);
  assert.equal(check(ek(expired)).tpm, 'hardware', 'so that it can wait for approval');
});

test('what was revoked is refused, and its absence from a list of another CA helps nobody', () => {
  const leaf = ek();
  const list = (wanted: Parameters<typeof makeCrl>[0]) => readCrl(makeCrl(wanted));
  const revoked = list({ by: issuer, revoked: [leaf] });
  assert.deepEqual(check(leaf, { crls: [revoked] }).found, ['fail ek.revoked']);
  assert.deepEqual(check(leaf, { crls: [list({ by: maker, revoked: [issuer] })] }).found, ['fail ek.revoked']);
  assert.deepEqual(check(leaf, { crls: [revoked], settings: { crl: 'off' } }).found, []);
  assert.deepEqual(check(leaf, { crls: [list({ by: issuer })] }).found, []);
  const other = make({ subject: 'issuer', by: maker });
  const forged = list({ by: issuer, key: other.pair.privateKey, revoked: [leaf] });
  assert.deepEqual(check(leaf, { crls: [forged] }).found, [], 'not signed by the issuer');
});

test('a list that is out of date is told, and refused where current lists are required', () => {
  const leaf = ek();
  const old = readCrl(makeCrl({ by: issuer, until: -1 }));
  const current = [readCrl(makeCrl({ by: issuer })), readCrl(makeCrl({ by: maker }))];
  const required = { settings: { crl: 'required' as const } };
  assert.deepEqual(check(leaf, { crls: [old] }).found, ['warn ek.revocation-unknown']);
  assert.deepEqual(check(leaf, required).found, ['fail ek.revocation-unknown']);
  assert.deepEqual(check(leaf, { ...required, crls: [old] }).found, ['fail ek.revocation-unknown']);
  assert.deepEqual(check(leaf, { ...required, crls: current.slice(0, 1) }).found, ['fail ek.revocation-unknown']);
  assert.deepEqual(check(leaf, { ...required, crls: current }).found, []);
});

test('all four combinations of the two settings', () => {
  const leaf = ek();
  const stranger = make({ subject: 'tpm', extensions: ekExtensions });
  const rows: [certificate: boolean, keys: boolean, leaf: Made, host: HostRecord | undefined, expected: string[]][] = [
    [true, false, leaf, undefined, []],
    [true, false, stranger, listed, ['fail ek.certificate']],
    [true, true, leaf, undefined, ['fail ek.listed']],
    [true, true, leaf, listed, []],
    [true, true, stranger, listed, ['fail ek.certificate']],
    [false, true, stranger, undefined, ['fail ek.listed']],
    [false, true, stranger, listed, []],
    [false, false, leaf, listed, ['fail identity.not-required']],
    [false, false, stranger, undefined, ['fail identity.not-required']],
  ];
  for (const [require_certificate_validation, require_endorsement_keys, presented, host, expected] of rows) {
    const settings = { require_certificate_validation, require_endorsement_keys };
    const { found } = check(presented, host === undefined ? { settings } : { settings, host });
    assert.deepEqual(found, expected, JSON.stringify(settings));
  }
});

test('no identity at all is accepted only when that is said, and then of approved hosts only', () => {
  const settings = {
    require_certificate_validation: false,
    require_endorsement_keys: false,
    allow_unidentified: true,
  };
  const stranger = make({ subject: 'tpm', extensions: ekExtensions });
  const accepted = check(stranger, { settings, host: listed });
  assert.deepEqual([accepted.found, accepted.tpm], [['warn identity.not-required'], 'listed']);
  const unknown = check(stranger, { settings });
  assert.deepEqual([unknown.found, unknown.tpm], [['fail ek.listed'], undefined]);
});

test('what was remembered is forgotten when a revocation list is loaded', () => {
  const leaf = ek();
  const authority = { name: 'maker', chain: [maker.certificate, issuer.certificate], virtual: false };
  const trust: TpmTrust = { authorities: [authority], intermediates: [], crls: [] };
  assert.deepEqual(check(leaf, { trust }).found, []);
  assert.deepEqual(check(leaf, { trust }).found, []);
  const crls = [readCrl(makeCrl({ by: issuer, revoked: [leaf] }))];
  assert.deepEqual(check(leaf, { trust: { ...trust, crls } }).found, ['fail ek.revoked']);
});
