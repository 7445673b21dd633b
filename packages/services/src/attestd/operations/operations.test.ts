import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { base64url } from '@vouchsafe/bytes/base64url';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { unpackBundle } from '@vouchsafe/domain/attestation/bundle/bundle-file';
import { captureImage, coverageOf } from '@vouchsafe/domain/attestation/capture';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { imagePcrs } from '@vouchsafe/domain/attestation/policy';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { testGroup, testTime } from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import { createAuthority, issue } from '@vouchsafe/domain/x509/authority';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { provenFacts } from '@vouchsafe/eventlog/proven';
import { initialValue, replay } from '@vouchsafe/eventlog/replay';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import type { HttpClient } from '../../http/client.ts';
import { routesOf } from '../../management/operation.ts';
import { assertCovered, type Call, play } from '../../management/testing/calls.ts';
import { type TestPart, testPart } from '../../management/testing/part.ts';
import { BootHistories } from '../boot-histories.ts';
import { AttestationConfiguration } from '../configuration.ts';
import type { KeptBundle } from '../evidence-archive.ts';
import type { EvidenceKeeper } from '../evidence-keeper.ts';
import { LastVerdicts } from '../last-verdicts.ts';
import { givenVerdict, testKeeper } from '../testing/test-keeper.ts';
import { attestdOperations } from './table.ts';

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };
const time = new Date('2026-06-01T00:00:00.000Z');
const ca = await createAuthority({ name: 'maker', ...validity });
const { publicKey } = newPair();
const leaf = await issue({ authority: ca, publicKey, subject: 'TPM', usages: ['agree'], ...validity });
const spki = publicKey.export({ format: 'der', type: 'spki' });
const ek = createHash('sha256').update(spki).digest('hex');
const other = 'cd'.repeat(32);
const log = buildLog(
  [0, 4, 7].map((pcr) => ({ pcr, type: 'EV_SEPARATOR' as const, data: new Uint8Array(4) })),
  ['sha256'],
);
const values = replay(decodeLog(log), 'sha256');
const pcrs = new Map(imagePcrs.map((pcr) => [pcr, values.get(pcr) ?? initialValue('sha256', pcr)]));
const image = captureImage({ name: 'golden', version: '1', eventLog: log, pcrs, now: time });

let part: TestPart;
let configuration: AttestationConfiguration;
let evidence: EvidenceKeeper;
let client: HttpClient;
const sightings = { of: () => [] };
const { group } = await testGroup();
const operations = () =>
  attestdOperations({
    group,
    configuration,
    evidence,
    sightings,
    boots: new BootHistories(part.store),
    verdicts: new LastVerdicts(part.store),
    store: part.store,
    audit: part.audit,
    now: () => time,
  });

beforeEach(async () => {
  part = testPart();
  configuration = new AttestationConfiguration(part.store);
  evidence = await testKeeper(part.folder, configuration);
  client = await part.serve(routesOf(operations()));
});
afterEach(() => part.close());

const cas = '/attestation/tpm2/ca-certificates';
const eks = '/attestation/tpm2/endorsement-keys';
const images = '/attestation/os/base-images';
const settings = '/attestation/tpm2/settings';
const raw = '/attestation/raw-config';
const kept = '/attestation/evidence';
const defaults = {
  require_certificate_validation: true,
  require_endorsement_keys: false,
  enrolment: 'approve',
  virtual_tpm_scopes: [],
  crl: 'if-present',
  expired_certificates: 'if-listed',
  allow_unidentified: false,
  fetch_hosts: [],
};
const record = {
  public_key: String(publicKey.export({ format: 'pem', type: 'spki' })),
  ek,
  name: 'host-1',
  scope: 'cluster-a',
  state: 'approved',
  tpm: 'listed',
  enrolled: 'approved',
  by: 'local-root',
  since: time.toISOString(),
};
const { event_log: _log, pcrs: _pcrs, v: _v, bank: _bank, ...described } = image;
const summary = { ...described, state: 'staged', standing: 'staged', imported: time.toISOString() };
const activated = { at: time.toISOString(), by: 'local-root' };
const coverage =
  'covers firmware; not covered: loader, kernel, cmdline, initrd; userspace is NOT covered: a changed root disk goes unnoticed';
const counting = { state: 'active', standing: 'active' };
const gone = { state: 'retired', standing: 'retired' };
const imported = { image, userspace_unmeasured: true };
const changedImage = (change: Partial<BaseImage>) => ({ ...imported, image: { ...image, ...change } });

const calls: Call[] = [
  { call: ['GET', cas], gives: [] },
  { call: ['POST', cas, { name: 'maker', cert_chain: { certs: [ca.certificatePem] } }], gives: 'maker' },
  { call: ['POST', cas, { name: 'maker', cert_chain: { certs: [ca.certificatePem] } }], fails: 'object.exists' },
  { call: ['POST', cas, { name: 'x', cert_chain: { certs: [leaf] } }], fails: 'input.invalid', naming: /certs\[0\]/ },
  { call: ['POST', cas, { name: 'x', cert_chain: { certs: ['x'] } }], fails: 'input.malformed', naming: /certs\[0\]/ },
  { call: ['POST', cas, { name: '../x', cert_chain: { certs: [] } }], fails: 'input.invalid', naming: /name|certs/ },
  { call: ['POST', cas, {}], fails: 'input.invalid' },
  { call: ['POST', cas], fails: 'input.invalid' },
  {
    call: ['GET', `${cas}/maker`],
    gives: { name: 'maker', cert_chain: { certs: [ca.certificatePem] }, virtual: false },
  },
  { call: ['GET', `${cas}/none`], fails: 'object.unknown' },
  { call: ['DELETE', `${cas}/none`], fails: 'object.unknown' },
  { call: ['DELETE', `${cas}/maker`], gives: undefined },

  { call: ['GET', eks], gives: [] },
  { call: ['POST', eks, { name: 'host-1', scope: 'cluster-a', certificate: leaf }], gives: record },
  { call: ['POST', eks, { name: 'host-1', ek: other }], fails: 'object.exists', naming: new RegExp(ek) },
  {
    call: ['POST', eks, { name: 'host-2', ek: other, certificate: leaf }],
    fails: 'input.invalid',
    naming: /exactly one/,
  },
  { call: ['POST', eks, { name: 'host-2' }], fails: 'input.invalid', naming: /exactly one/ },
  { call: ['POST', eks, { name: 'host-2', ek: 'short' }], fails: 'input.invalid', naming: /ek/ },
  { call: ['POST', eks, { name: 'a\r\nb', ek: other }], fails: 'input.invalid', naming: /name/ },
  { call: ['POST', eks, { name: 'x', public_key: 'no key' }], fails: 'input.malformed', naming: /public_key/ },
  { call: ['POST', eks, { name: 'x', certificate: 'none' }], fails: 'input.malformed', naming: /certificate/ },
  { call: ['POST', eks, { name: 'x', ek: other, state: 'approved' }], fails: 'input.invalid', naming: /state/ },
  { call: ['GET', `${eks}/${ek}`], gives: record },
  { call: ['GET', `${eks}/${other}`], fails: 'object.unknown' },
  { call: ['POST', `${eks}/${ek}/revoke`], gives: { ...record, state: 'revoked' } },
  { call: ['POST', `${eks}/${other}/revoke`], fails: 'object.unknown' },
  { call: ['DELETE', `${eks}/${ek}`], gives: undefined },
  { call: ['DELETE', `${eks}/${ek}`], fails: 'object.unknown' },

  { call: ['GET', settings], gives: defaults },
  { call: ['PATCH', settings, { enrolment: 'auto' }], gives: { ...defaults, enrolment: 'auto' } },
  { call: ['PATCH', settings, { enrolment: 'open' }], fails: 'input.invalid', naming: /enrolment/ },
  { call: ['PATCH', settings, { bogus: 1 }], fails: 'input.invalid', naming: /bogus/ },
  {
    call: ['PATCH', settings, { require_endorsement_keys: 'yes' }],
    fails: 'input.invalid',
    naming: /require_endorsement/,
  },
  { call: ['GET', settings], gives: { ...defaults, enrolment: 'auto' } },
  {
    call: ['GET', '/attestation/status'],
    gives: {
      health: 'WARNING',
      details: [
        {
          severity: 'WARNING',
          message: 'no CA of a TPM maker is trusted: no certificate of an endorsement key can be validated',
        },
        {
          severity: 'WARNING',
          message: 'enrolment is auto: any TPM of a trusted maker becomes a host on first contact',
        },
        { severity: 'WARNING', message: 'no base image is active: no host can be attested' },
        {
          severity: 'WARNING',
          message: 'base images need no signature: whoever imports one decides alone; vouchsafe image signer add',
        },
      ],
    },
  },

  { call: ['POST', images, { image }], fails: 'input.invalid', naming: /userspace is NOT covered/ },
  { call: ['POST', images, imported], gives: { ...summary, coverage } },
  { call: ['POST', images, imported], fails: 'object.exists' },
  {
    call: ['POST', images, { ...imported, not_before: '2026-02-31T00:00:00Z' }],
    fails: 'input.invalid',
    naming: /not_before/,
  },
  { call: ['POST', images, { ...imported, not_after: 'tomorrow' }], fails: 'input.invalid', naming: /not_after/ },
  {
    call: ['POST', images, { ...imported, not_before: '2026-02-02T00:00:00Z', not_after: '2026-02-02T00:00:00Z' }],
    fails: 'input.invalid',
    naming: /not_after/,
  },
  {
    call: ['POST', images, changedImage({ covers: { ...image.covers, userspace: 'verity' } })],
    fails: 'input.invalid',
    naming: /covers/,
  },
  {
    call: ['POST', images, changedImage({ covers: { ...image.covers, kernel: true } })],
    fails: 'input.invalid',
    naming: /covers/,
  },
  {
    call: ['POST', images, changedImage({ pcrs: { ...image.pcrs, 4: '00'.repeat(32) } })],
    fails: 'input.invalid',
    naming: /pcrs/,
  },
  {
    call: ['POST', images, changedImage({ pcrs: { ...image.pcrs, 5: '00'.repeat(32) } })],
    fails: 'input.invalid',
    naming: /pcrs/,
  },
  { call: ['POST', images, changedImage({ pcrs: {} })], fails: 'input.invalid', naming: /pcrs/ },
  {
    call: ['POST', images, changedImage({ event_log: base64url(log.subarray(1)) })],
    fails: 'input.malformed',
    naming: /event_log/,
  },
  { call: ['POST', images, changedImage({ name: '../x' })], fails: 'input.invalid', naming: /image\.name/ },
  { call: ['GET', kept], gives: [] },
  { call: ['GET', `${kept}/host-1`], fails: 'object.unknown', naming: /host-1/ },
  { call: ['GET', `${kept}-settings`], gives: { keep: 'refused', days: 90, max_mb: 256 } },
  { call: ['PATCH', `${kept}-settings`, { keep: 'all', days: 7 }], gives: { keep: 'all', days: 7, max_mb: 256 } },
  { call: ['PATCH', `${kept}-settings`, { keep: 'some' }], fails: 'input.invalid', naming: /keep/ },
  { call: ['PATCH', `${kept}-settings`, { max_mb: 0 }], fails: 'input.invalid', naming: /max_mb/ },

  { call: ['GET', images], gives: [{ ...summary, coverage, hosts: 0 }] },
  { call: ['GET', `${images}/golden`], gives: JSON.parse(JSON.stringify({ ...summary, coverage, hosts: [], image })) },
  { call: ['POST', `${images}/golden/activate`], gives: { ...summary, ...counting, activated, coverage } },
  { call: ['POST', `${images}/golden/retire`], gives: { ...summary, ...gone, activated, coverage } },
  { call: ['POST', `${images}/none/activate`], fails: 'object.unknown' },
  { call: ['POST', `${images}/none/retire`], fails: 'object.unknown' },
  { call: ['GET', `${images}/none`], fails: 'object.unknown' },
  { call: ['DELETE', `${images}/golden`], gives: undefined },
  { call: ['DELETE', `${images}/golden`], fails: 'object.unknown' },
];

/** Raw configuration: what is taken over, and what is not. */
const replacing = (generation: number, ...documents: [collection: string, name: string, body: unknown][]) => ({
  generation,
  documents: documents.map(([collection, name, body]) => ({ collection, name, body })),
});
const rawCalls: Call[] = [
  { call: ['PUT', raw, replacing(90, ['tpm2/endorsement-keys', ek, record], ['tpm2/settings', 'epoch', 80])] },
  { call: ['GET', eks], gives: [record] },
  { call: ['PUT', raw, replacing(90)], fails: 'object.in-use' },
  { call: ['PUT', raw, replacing(91, ['tpm2/settings', 'epoch', 3])], fails: 'input.invalid', naming: /epoch/ },
  { call: ['PUT', raw, replacing(91)], fails: 'input.invalid', naming: /epoch/ },
  {
    call: ['PUT', raw, replacing(91, ['tpm2/endorsement-keys', ek, {}])],
    fails: 'input.invalid',
    naming: /^tpm2\/end/,
  },
  {
    call: ['PUT', raw, replacing(91, ['tpm2/endorsement-keys', other, record])],
    fails: 'input.invalid',
    naming: /name/,
  },
  { call: ['PUT', raw, replacing(91, ['tpm2/settings', 'settings', { bogus: 1 }])], fails: 'input.invalid' },
  {
    call: ['PUT', raw, replacing(91, ['tpm2/ca-certificates', 'x', { certs: ['x'], virtual: false }])],
    fails: 'input.malformed',
  },
  { call: ['PUT', raw, replacing(91, ['base-images', 'x', image])], fails: 'input.invalid', naming: /golden/ },
  { call: ['PUT', raw, replacing(91, ['elsewhere', 'x', 1])], fails: 'input.invalid', naming: /elsewhere/ },
  { call: ['PUT', raw, replacing(91, ['__proto__', 'x', 1])], fails: 'input.invalid' },
  { call: ['PUT', raw, { generation: 91 }], fails: 'input.invalid', naming: /documents/ },
  { call: ['GET', eks], gives: [record] },
];

/** Operations whose tests stand in files of their own. */
const elsewhere =
  /^attestation\.(?:rules\.|ima\.|os\.(?!base-images\.(?!preview)))|hosts\.|endorsement-keys\.(?:approve|boots|dismiss|pending)|firmware-blocklist|tpm2\.(?:intermediates|crls|sources|.*\.import)/;

test('every operation does what it says, and names what is wrong', async () => {
  await play(client, calls);
  await play(client, rawCalls);
  const { body } = await client.call('GET', `${raw}?type=BRIEF`);
  assert.deepEqual(Object.keys(body as object), ['generation', 'fingerprint', 'last_update_time']);
  const here = operations().filter(({ name }) => !elsewhere.test(name));
  assertCovered(here, [...calls, ...rawCalls, { call: ['GET', raw] }, { call: ['GET', `${kept}/host-1`] }]);
});

test('a change that fails leaves no record, and a change that cannot be recorded is not made', async () => {
  await play(client, calls);
  await play(client, rawCalls);
  const accepted = [...calls, ...rawCalls].filter(({ call, fails }) => call[0] !== 'GET' && fails === undefined);
  assert.equal(part.records.length, accepted.length);
  const before = part.store.raw();
  part.full = true;
  const changes: Call[] = [
    { call: ['POST', cas, { name: 'new', cert_chain: { certs: [ca.certificatePem] } }], fails: 'internal' },
    { call: ['POST', `${eks}/${ek}/revoke`], fails: 'internal' },
    { call: ['DELETE', `${eks}/${ek}`], fails: 'internal' },
    { call: ['PATCH', settings, { enrolment: 'auto' }], fails: 'internal' },
    { call: ['POST', images, imported], fails: 'internal' },
    { call: ['PUT', raw, replacing(99, ['tpm2/settings', 'epoch', 90])], fails: 'internal' },
  ];
  await play(client, changes);
  assert.deepEqual(part.store.raw(), before);
  assert.equal(configuration.host(ek)?.state, 'approved');
});

test('taking trust away counts the epoch up, giving it does not', async () => {
  await play(client, calls);
  assert.equal(configuration.epoch(), 5, 'CA deleted, EK revoked, EK deleted, image retired, image deleted');
});

test('what an image covers is what its log proves', () => {
  assert.deepEqual(coverageOf(provenFacts(decodeLog(log), 'sha256')), image.covers);
  const wrong = new Map(pcrs).set(4, new Uint8Array(32));
  const capture = () => captureImage({ name: 'x', version: '1', eventLog: log, pcrs: wrong, now: time });
  assert.throws(capture, problem('input.invalid', /^PCR 4: /));
});

test('kept evidence is listed with its host, and exported by host, endorsement key or id', async () => {
  configuration.setEvidence({ ...configuration.evidence(), days: 36_500 });
  configuration.putHost({ ...record, ek: 'ab'.repeat(32) } as HostRecord);
  evidence.keep(givenVerdict(configuration.policy((await testGroup()).group)));
  await evidence.settled();
  const [listed] = (await client.call('GET', kept)).body as (KeptBundle & { host: string })[];
  assert.deepEqual([listed?.host, listed?.verdict, listed?.ek], ['host-1', 'unproven', 'ab'.repeat(32)]);
  const id = String(listed?.id);
  for (const name of ['host-1', 'ab'.repeat(32), id, id.slice(0, 8)]) {
    const { file } = (await client.call('GET', `${kept}/${name}`)).body as { file: string };
    assert.deepEqual(unpackBundle(Buffer.from(file, 'base64')).content.now, testTime);
  }
  for (const name of ['host-2', id.slice(0, 5), 'cd'.repeat(32)])
    await assert.rejects(client.call('GET', `${kept}/${name}`), problem('object.unknown'));
});
