import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type Made, make, makeCrl, makeEk } from '@vouchsafe/domain/testing/certificates';
import { testGroup, testTime } from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import { certificatePem } from '@vouchsafe/domain/x509/pem-blocks';
import type { HttpClient } from '../../http/client.ts';
import { routesOf } from '../../management/operation.ts';
import { type Call, play } from '../../management/testing/calls.ts';
import { type TestPart, testPart } from '../../management/testing/part.ts';
import { BootHistories } from '../boot-histories.ts';
import { AttestationConfiguration } from '../configuration.ts';
import { LastVerdicts } from '../last-verdicts.ts';
import { testKeeper } from '../testing/test-keeper.ts';
import type { CrlView, LinkView, PlanView } from '../trust/views.ts';
import { attestdOperations } from './table.ts';

const cas = '/attestation/tpm2/ca-certificates';
const intermediates = '/attestation/tpm2/intermediates';
const crls = '/attestation/tpm2/crls';

const root = make({ subject: 'Maker Root' });
const issuer = make({ subject: 'Maker Issuer', by: root });
const second = make({ subject: 'Maker Issuer 2', by: root });
const expired = make({ subject: 'Old Root', until: -1 });
const orphan = make({ subject: 'Orphan', by: make({ subject: 'Unknown' }) });
const leaf = makeEk(issuer);

const pem = (...made: readonly Made[]) => made.map(({ der }) => certificatePem(der)).join('# a comment\n');
const base64 = (der: Uint8Array) => Buffer.from(der).toString('base64');

let part: TestPart;
let configuration: AttestationConfiguration;
let client: HttpClient;
let time = testTime;
const { group } = await testGroup();

beforeEach(async () => {
  time = testTime;
  part = testPart();
  configuration = new AttestationConfiguration(part.store);
  const evidence = await testKeeper(part.folder, configuration);
  const context = { store: part.store, audit: part.audit, now: () => new Date(time * 1000) };
  client = await part.serve(
    routesOf(
      attestdOperations({
        ...context,
        group,
        configuration,
        evidence,
        sightings: { of: () => [] },
        boots: new BootHistories(part.store),
        verdicts: new LastVerdicts(part.store),
      }),
    ),
  );
});
afterEach(() => part.close());

const call = async <T>(...of: Call['call']): Promise<T> => (await client.call(...of)).body as T;
const importing = (body: object) => call<PlanView>('POST', `${cas}/import`, body);
const refused = (calls: Call[]) => play(client, calls);
const health = async () => (await call<{ details: { message: string }[] }>('GET', '/attestation/status')).details;

test('a bundle is imported at once: roots by name, what stands under them, and what is left out with the reason', async () => {
  const bundle = { certificates: pem(second, expired, issuer, leaf, root, root, orphan) };
  const dry = await importing({ ...bundle, dry_run: true });
  assert.deepEqual(await call('GET', cas), []);
  assert.deepEqual(part.records, []);
  const done = await importing(bundle);
  assert.deepEqual(done, dry);
  assert.deepEqual(
    done.roots.map(({ name, intermediates }) => [name, intermediates]),
    [['maker-root', 2]],
  );
  assert.deepEqual(done.intermediates.map(({ root, subject }) => [root, subject]).toSorted(), [
    ['maker-root', 'CN=Maker Issuer'],
    ['maker-root', 'CN=Maker Issuer 2'],
  ]);
  assert.deepEqual(
    done.skipped.map(({ subject, why }) => `${subject}: ${why.replace(/\d{4}-.*/, 'then')}`),
    [
      'CN=Old Root: it expired on then',
      'CN=tpm: it is no CA; a single TPM is listed as endorsement key',
      'CN=Maker Root: it stands in the bundle twice',
      'CN=Orphan: its issuer is neither in the bundle nor imported: CN=Unknown',
    ],
  );
  assert.deepEqual(
    part.records.map(({ detail }) => detail),
    [{ virtual: false, roots: ['maker-root'], intermediates: 2, skipped: 4 }],
  );
  const again = await importing({ certificates: pem(root, issuer) });
  assert.deepEqual(
    again.skipped.map(({ why }) => why),
    ['it is imported already', 'it is imported already'],
  );
  assert.equal(part.records.length, 1, 'nothing was done, so nothing is recorded');
});

test('one intermediate after the other, under a root that is pinned; a fetched root is never pinned', async () => {
  await refused([
    { call: ['POST', `${cas}/import`, { certificates: 'none' }], fails: 'input.malformed', naming: /certificates/ },
  ]);
  assert.equal((await importing({ certificates: pem(issuer) })).intermediates.length, 0);
  const fetched = await importing({ certificates: pem(root, issuer), links_only: true });
  assert.deepEqual([fetched.roots, fetched.intermediates], [[], []]);
  await importing({ certificates: pem(root) });
  assert.equal((await importing({ certificates: pem(issuer), links_only: true })).intermediates.length, 1);
  const [{ fingerprint, issuer: by } = {} as LinkView] = await call<LinkView[]>('GET', intermediates);
  assert.deepEqual([fingerprint, by], [issuer.certificate.fingerprint, 'CN=Maker Root']);
  await refused([
    { call: ['DELETE', `${intermediates}/${'cd'.repeat(32)}`], fails: 'object.unknown' },
    { call: ['DELETE', `${intermediates}/${fingerprint}`], gives: undefined },
    { call: ['GET', intermediates], gives: [] },
  ]);
});

test('a CA whose issuer is nowhere is pinned when it heads a group, or when that is asked for', async () => {
  const above = make({ subject: 'Above' });
  const head = make({ subject: 'Head', by: above });
  const below = make({ subject: 'Below', by: head });
  const both = await importing({ certificates: pem(below, head, orphan) });
  assert.deepEqual(
    both.roots.map(({ name, issued_by_another }) => [name, issued_by_another]),
    [['head', true]],
  );
  assert.equal(both.skipped.length, 1);
  const asked = await importing({ certificates: pem(orphan), anchor: true });
  assert.deepEqual(
    asked.roots.map(({ name }) => name),
    ['orphan'],
  );
});

test('a chain is taken in either order and kept root to leaf; what is no chain is refused', async () => {
  const certs = [root, issuer].map((each) => certificatePem(each.der));
  for (const [name, given] of [
    ['vendor', certs],
    ['other', certs.toReversed()],
  ] as const) {
    await call('POST', cas, { name, cert_chain: { certs: given } });
    assert.deepEqual(await call('GET', `${cas}/${name}`), { name, cert_chain: { certs }, virtual: false });
  }
  const create = (...made: Made[]): Call['call'] => [
    'POST',
    cas,
    { name: 'x', cert_chain: { certs: made.map(({ der }) => certificatePem(der)) } },
  ];
  await refused([
    { call: create(root, issuer, second), fails: 'input.invalid', naming: /one chain: CN=Maker Issuer 2/ },
    { call: create(root, expired), fails: 'input.invalid', naming: /one chain/ },
    { call: create(root, root), fails: 'input.invalid', naming: /twice/ },
    { call: create(issuer, leaf), fails: 'input.invalid', naming: /certs\[1\]/ },
    {
      call: ['POST', cas, { name: 'x', cert_chain: { certs: [pem(root, issuer)] } }],
      fails: 'input.malformed',
      naming: /certs\[0\]: expected one certificate, found 2/,
    },
  ]);
});

test('an intermediate on its own counts under its pinned root, and no longer than that', async () => {
  const { group } = await testGroup();
  await call('POST', cas, { name: 'root', cert_chain: { certs: [pem(root)] } });
  await call('POST', cas, { name: 'link', cert_chain: { certs: [pem(issuer)] }, virtual: true });
  const under = () => configuration.policy(group).trust.authorities.map(({ name, under }) => [name, under]);
  assert.deepEqual(under(), [
    ['link', true],
    ['root', false],
  ]);
  await call('DELETE', `${cas}/root`);
  assert.deepEqual(under(), [['link', true]], 'it does not become a root');
});

test('a CA that an older version stored leaf to root is read root to leaf', () => {
  const certs = [issuer, root].map((each) => certificatePem(each.der));
  part.store.add('tpm2/ca-certificates', 'old', { certs, virtual: false });
  const [found] = configuration.trust.trust().authorities;
  assert.deepEqual(
    found?.chain.map(({ fingerprint }) => fingerprint),
    [root, issuer].map((each) => each.certificate.fingerprint),
  );
});

test('a revocation list is loaded in the place of the one before it, and never an older or a forged one', async () => {
  await importing({ certificates: pem(root, issuer) });
  const list = (number: number, ...revoked: Made[]) => base64(makeCrl({ by: issuer, number, revoked }));
  const first = await call<CrlView & { verified: boolean }>('POST', crls, { crl: list(1) });
  assert.deepEqual([first.issuer, first.number, first.revoked, first.verified], ['CN=Maker Issuer', '01', 0, true]);
  assert.equal(configuration.epoch(), 0, 'nothing was revoked');
  const later = await call<CrlView>('POST', crls, { crl: list(2, leaf) });
  assert.equal(later.name, first.name);
  assert.equal(configuration.epoch(), 1);
  const stranger = make({ subject: 'Stranger' });
  const forged = makeCrl({ by: issuer, key: stranger.pair.privateKey, number: 3 });
  await refused([
    { call: ['POST', crls, { crl: list(1) }], fails: 'input.invalid', naming: /older list/ },
    {
      call: ['POST', crls, { crl: base64(forged) }],
      fails: 'input.invalid',
      naming: /signature is not by CN=Maker Issuer/,
    },
    { call: ['POST', crls, { crl: 'MAA=' }], fails: 'input.malformed', naming: /^crl/ },
    { call: ['POST', crls, { crl: '*' }], fails: 'input.invalid', naming: /crl/ },
  ]);
  const unknown = await call<CrlView & { verified: boolean }>('POST', crls, { crl: base64(makeCrl({ by: stranger })) });
  assert.equal(unknown.verified, false);
  assert.equal((await call<CrlView[]>('GET', crls)).length, 2);
  assert.equal(
    (await health()).some(({ message }) => /revocation lists out of date/.test(message)),
    false,
  );
  time += 2 * 86400;
  assert.match((await health()).map(({ message }) => message).join(), /revocation lists out of date: 2/);
  await refused([
    { call: ['DELETE', `${crls}/${first.name}`], gives: undefined },
    { call: ['DELETE', `${crls}/${first.name}`], fails: 'object.unknown' },
  ]);
});

test('what was read is kept until a document of it changes, and not when a host is approved', async () => {
  const trust = configuration.trust.trust();
  configuration.setSettings({ ...configuration.settings(), enrolment: 'auto' });
  assert.equal(configuration.trust.trust(), trust);
  await importing({ certificates: pem(root, issuer) });
  const imported = configuration.trust.trust();
  assert.notEqual(imported, trust);
  await call('POST', crls, { crl: base64(makeCrl({ by: issuer })) });
  assert.notEqual(configuration.trust.trust(), imported);
});

test('a change that cannot be recorded is not made, and is not believed either', async () => {
  part.full = true;
  await assert.rejects(importing({ certificates: pem(root, issuer) }), problem('internal'));
  await assert.rejects(call('POST', crls, { crl: base64(makeCrl({ by: issuer })) }), problem('internal'));
  assert.deepEqual(configuration.trust.trust(), { authorities: [], intermediates: [], crls: [] });
});

test('neither certificates nor listed keys: accepted by the API, and an error of health', async () => {
  await call('PATCH', '/attestation/tpm2/settings', {
    require_certificate_validation: false,
    require_endorsement_keys: false,
  });
  assert.match((await health()).map(({ message }) => message).join(), /every attestation is refused/);
  await call('PATCH', '/attestation/tpm2/settings', { allow_unidentified: true });
  const status = await call<{ health: string }>('GET', '/attestation/status');
  assert.equal(status.health, 'ERROR');
});

test('settings of an older version stand at their defaults where they are silent', () => {
  part.store.put('tpm2/settings', 'settings', {
    require_certificate_validation: false,
    require_endorsement_keys: true,
    enrolment: 'approve',
    virtual_tpm_scopes: [],
  });
  const { require_endorsement_keys, crl } = configuration.settings();
  assert.deepEqual([require_endorsement_keys, crl], [true, 'if-present']);
});

test('the addresses that CAs name are listed and nothing is fetched from them', async (t) => {
  const fetch = t.mock.method(globalThis, 'fetch', () => assert.fail('something was fetched'));
  assert.deepEqual(await call('GET', '/attestation/tpm2/sources'), []);
  assert.equal(fetch.mock.callCount(), 0);
});
