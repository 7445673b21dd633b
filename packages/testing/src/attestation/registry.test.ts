import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { appraise } from '@vouchsafe/domain/attestation/appraisal';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { pemOf } from '@vouchsafe/domain/attestation/ek-pem';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { Evidence } from '@vouchsafe/domain/attestation/messages';
import { defaultTpmSettings } from '@vouchsafe/domain/attestation/policy';
import { verifyToken } from '@vouchsafe/domain/attestation/token';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { problem } from '@vouchsafe/domain/testing/problem';
import { pemText } from '@vouchsafe/domain/x509/pem-blocks';
import { AttestationService } from '@vouchsafe/services/attestd/attestation-service';
import { BootHistories } from '@vouchsafe/services/attestd/boot-histories';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { registry } from '@vouchsafe/services/attestd/operations/registry';
import { type TestMembership, testMembership } from '@vouchsafe/services/host/testing/membership';
import type { HttpClient } from '@vouchsafe/services/http/client';
import type { EkChoice } from '@vouchsafe/services/kmxa/ek-choice';
import { makeEvidence } from '@vouchsafe/services/kmxa/evidence';
import { routesOf } from '@vouchsafe/services/management/operation';
import { type TestPart, testPart } from '@vouchsafe/services/management/testing/part';
import {
  attempt,
  Bench,
  type BenchHost,
  benchScope,
  benchTime,
  capture,
  inputOf,
  logPaths,
  requestOf,
} from './bench.ts';
import { without } from './without.ts';

interface Told {
  readonly attested: boolean;
  readonly checks: string[];
  readonly name?: string;
  readonly enrolled?: string;
}

describe('the host registry with real TPMs', () => {
  let bench: Bench;
  let golden: BaseImage;
  let one: BenchHost;
  let two: BenchHost;
  let part: TestPart;
  let configuration: AttestationConfiguration;
  let service: AttestationService;
  let client: HttpClient;
  let membership: TestMembership;
  let revoked: string[];

  before(async () => {
    bench = await Bench.create();
    one = await bench.addHost('one', 'debian12-uki-a');
    two = await bench.addHost('two', 'debian12-uki-a');
    golden = await capture(one);
  });
  after(async () => await bench?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    part = testPart();
    revoked = [];
    configuration = new AttestationConfiguration(part.store, (change) => 'deny' in change && revoked.push(change.deny));
    membership = testMembership();
    configuration.addAuthority('bench', await bench.storedAuthority());
    configuration.addImage(activeRecord(golden));
    enrol('approve');
    const signer = await bench.certify('attestd');
    const boots = new BootHistories(part.store);
    service = new AttestationService({
      instance: 'urn:vouchsafe:attestd:bench',
      group: bench.group,
      membership,
      configuration,
      signer: () => signer,
      boots,
      audit: (entry) => part.audit(entry),
      now: () => benchTime,
    });
    const now = () => new Date(benchTime * 1000);
    client = await part.serve(routesOf(registry({ configuration, boots, store: part.store, audit: part.audit, now })));
  });
  afterEach(() => part.close());

  const enrol = (enrolment: 'approve' | 'auto') =>
    configuration.setSettings({ ...defaultTpmSettings, enrolment, virtual_tpm_scopes: [benchScope, 'default'] });

  async function evidenceOf(host: BenchHost): Promise<Evidence> {
    const challenge = await service.begin(requestOf(host));
    const agent = logPaths(host.boot);
    const keys = { signing: newPair(), encryption: newPair() };
    return await makeEvidence(host.tpm, host.identity, challenge, keys, { agent, group: bench.group.id, version: 'x' });
  }

  /** What a host is told, apart from what is only worth knowing. */
  async function attest(host: BenchHost): Promise<Told> {
    const { attested, findings, token } = await service.report(await evidenceOf(host));
    const checks = findings.filter(({ severity }) => severity !== 'info').map(({ check }) => check);
    if (token === undefined) return { attested, checks };
    const { host: name, enrolled } = await verifyToken(token, bench.group, benchTime);
    return { attested, checks, name, enrolled };
  }

  const as = async (host: BenchHost, ek: EkChoice): Promise<BenchHost> => {
    const next = await bench.withEk(host, ek);
    if (host.name === 'one') one = next;
    else two = next;
    return next;
  };

  const ekOf = ({ record }: BenchHost) => record.ek;
  const post = async (path: string, body: object = {}) =>
    (await client.call('POST', `/attestation/${path}`, body)).body;
  const approve = (body: object) =>
    post('tpm2/endorsement-keys', { scope: benchScope, ...body }) as Promise<HostRecord>;
  const rows = () => configuration.hosts().map(({ ek, name, state }) => [ek, name, state]);

  test('a TPM shows two endorsement keys with one attestation key: the second waits as the same TPM, and approving it links', async () => {
    const rsa = await as(one, 'rsa-2048');
    await approve({ ek: ekOf(rsa), name: 'kvm1' });
    assert.equal((await attest(rsa)).attested, true);
    const ecc = await as(rsa, 'p-384');
    assert.notEqual(ekOf(ecc), ekOf(rsa));
    assert.equal(hex(ecc.identity.ak.name), hex(rsa.identity.ak.name));
    assert.deepEqual((await attest(ecc)).checks, ['host.not-enrolled']);
    const [pending] = configuration.registry.pending();
    assert.deepEqual(pending?.same_tpm_as, { name: 'kvm1', state: 'approved', scope: benchScope });
    await assert.rejects(approve({ ek: ekOf(ecc), name: 'kvm2' }), problem('object.exists', /is host kvm1 already/));
    const linked = await approve({ ek: ekOf(ecc) });
    assert.deepEqual([linked.name, linked.public_key], ['kvm1', pemOf(ecc.identity.ek.publicArea)]);
    assert.deepEqual(await attest(ecc), { attested: true, checks: [], name: 'kvm1', enrolled: 'approved' });
    assert.deepEqual(configuration.registry.pending(), []);
  });

  test('revoking a host revokes its TPM: the linked key, and one that nobody ever saw', async () => {
    const rsa = await as(one, 'rsa-2048');
    await approve({ ek: ekOf(rsa), name: 'kvm1' });
    await attest(rsa);
    const ecc = await as(rsa, 'p-384');
    await attest(ecc);
    await approve({ ek: ekOf(ecc) });
    await post('hosts/kvm1/revoke', { reason: 'stolen' });
    assert.deepEqual(revoked.toSorted(), [`ek:${ekOf(ecc)}`, `ek:${ekOf(rsa)}`].toSorted());
    assert.deepEqual(new Set(rows().map((row) => row[2])), new Set(['revoked']));
    assert.deepEqual((await attest(ecc)).checks, ['host.revoked']);

    configuration.deleteHost(ekOf(ecc));
    for (const enrolment of ['approve', 'auto'] as const) {
      enrol(enrolment);
      const { attested, checks } = await attest(ecc);
      assert.deepEqual([attested, checks], [false, ['host.revoked']], enrolment);
    }
    assert.equal(configuration.host(ekOf(ecc)), undefined, 'it did not enrol itself');
    await assert.rejects(approve({ ek: ekOf(ecc), name: 'new' }), problem('object.exists', /was revoked as host kvm1/));
    await assert.rejects(post('hosts/kvm1/replace-tpm', { ek: ekOf(ecc) }), problem('object.exists', /was revoked/));

    configuration.deleteHost(ekOf(rsa));
    assert.equal((await attest(ecc)).attested, true, 'both rows were deleted on purpose');
  });

  test('without the check, a revoked TPM comes back by its other key: listed under another name, or enrolled by itself', async () => {
    const rsa = await as(one, 'rsa-2048');
    const bad = { ...rsa.record, name: 'kvm1', state: 'revoked' as const, aks: [hex(rsa.identity.ak.name)] };
    const ecc = await as(rsa, 'p-384');
    const input = inputOf(await attempt(ecc, bench.group), await bench.policy(golden), {
      host: { ...ecc.record, name: 'kvm2' },
      known: { sameTpm: [bad], akIsEkOf: undefined },
    });
    const failures = ({ findings }: ReturnType<typeof appraise>) =>
      findings.filter(({ severity }) => severity === 'fail').map(({ check }) => check);
    assert.deepEqual(failures(appraise(input, attestationChecks)), ['host.revoked']);
    assert.equal(appraise(input, without('ak.shared')).trusted, true);
    const signs = { ...input, known: { sameTpm: [], akIsEkOf: bad } };
    assert.deepEqual(failures(appraise(signs, attestationChecks)), ['ak.shared']);
    assert.equal(appraise(signs, without('ak.shared')).trusted, true);
  });

  test('rows that another member wrote bring their attestation keys with them', async () => {
    const rsa = await as(one, 'rsa-2048');
    const ak = hex(rsa.identity.ak.name);
    const row = { ...rsa.record, name: 'kvm1', state: 'revoked', aks: [ak] };
    const raw = part.store.raw();
    const documents = [...raw.documents, { collection: 'tpm2/endorsement-keys', name: row.ek, body: row }];
    configuration.takeOver({ generation: raw.generation + 1, documents: [...documents] });
    enrol('auto');
    assert.deepEqual((await attest(await as(rsa, 'p-384'))).checks, ['host.revoked']);
  });

  test('what another member revoked counts for the whole TPM', async () => {
    const rsa = await as(one, 'rsa-2048');
    await approve({ ek: ekOf(rsa), name: 'kvm1' });
    await attest(rsa);
    const ecc = await as(rsa, 'p-384');
    await attest(ecc);
    await approve({ ek: ekOf(ecc) });
    membership.standing.join({ deny: { [`ek:${ekOf(rsa)}`]: benchTime } });
    assert.ok((await attest(ecc)).checks.includes('host.revoked'));
  });

  test('a configuration that is taken over tells who lost trust by it', async () => {
    const rsa = await as(one, 'rsa-2048');
    await approve({ ek: ekOf(rsa), name: 'kvm1' });
    await approve({ ek: ekOf(two), name: 'kvm2' });
    const raw = part.store.raw();
    const documents = raw.documents.filter(({ name }) => name !== ekOf(rsa));
    configuration.takeOver({ generation: raw.generation + 1, documents: [...documents] });
    assert.deepEqual(revoked, [`ek:${ekOf(rsa)}`]);
  });

  test('enrolment auto: the second key of a TPM becomes a row of the same host', async () => {
    enrol('auto');
    const rsa = await as(one, 'rsa-2048');
    const first = await attest(rsa);
    const second = await attest(await as(rsa, 'p-384'));
    assert.deepEqual([first.enrolled, second.enrolled, second.name], ['auto', 'auto', first.name]);
    assert.equal(configuration.hosts().length, 2);
  });

  test('one TPM that was approved under two names is told, and revoking either revokes the TPM', async () => {
    const rsa = await as(one, 'rsa-2048');
    await approve({ ek: ekOf(rsa), name: 'kvm1' });
    const ecc = await as(rsa, 'p-384');
    await approve({ ek: ekOf(ecc), name: 'kvm2' });
    await attest(ecc);
    const again = await as(ecc, 'rsa-2048');
    assert.deepEqual(await attest(again), {
      attested: true,
      checks: ['ak.shared'],
      name: 'kvm1',
      enrolled: 'approved',
    });
    await post('hosts/kvm2/revoke');
    assert.deepEqual(
      (await attest(again)).checks.filter((check) => check.startsWith('host.')),
      ['host.revoked'],
    );
  });

  test('a TPM is replaced: name and scope stay, the old one is refused from then on', async () => {
    const old = await as(one, 'rsa-2048');
    const next = await as(two, 'rsa-2048');
    await approve({ ek: ekOf(old), name: 'kvm1' });
    await attest(old);
    assert.deepEqual((await attest(next)).checks, ['host.not-enrolled']);
    await assert.rejects(
      approve({ ek: ekOf(next), name: 'kvm1' }),
      problem('object.exists', /nothing shows .*same TPM/),
    );
    await assert.rejects(post('hosts/kvm1/replace-tpm', { ek: ekOf(old) }), problem('object.exists', /is host kvm1/));
    await post('hosts/kvm1/replace-tpm', { ek: ekOf(next) });
    assert.deepEqual((await attest(next)).name, 'kvm1');
    assert.deepEqual((await attest(old)).checks, ['host.revoked']);
    assert.deepEqual((await attest(await as(old, 'p-384'))).checks.length, 1);
    assert.equal(configuration.host(ekOf(old))?.reason, 'its TPM was replaced');
    assert.deepEqual(revoked, [`ek:${ekOf(old)}`]);
    const { last_attested, endorsement_keys } = (await client.call('GET', '/attestation/hosts/kvm1')).body as {
      last_attested: string;
      endorsement_keys: HostRecord[];
    };
    assert.equal(last_attested, new Date(benchTime * 1000).toISOString());
    assert.deepEqual(
      endorsement_keys.map(({ state }) => state),
      ['approved', 'revoked'],
    );
  });

  test('a TPM that cannot be replaced as a whole is not replaced at all', async () => {
    await approve({ ek: ekOf(one), name: 'kvm1' });
    const before = part.store.raw();
    part.full = true;
    await assert.rejects(post('hosts/kvm1/replace-tpm', { ek: ekOf(two) }), problem('internal'));
    part.full = false;
    assert.deepEqual(part.store.raw(), before);
  });

  test('the virtual TPM of a guest is no host, whoever approves it, as long as its scope allows none', async () => {
    // Guests' TPMs come from an authority that somebody imported, and the guest replays the golden boot into its own.
    await approve({ ek: ekOf(two), name: 'guest', scope: 'production' });
    assert.deepEqual((await attest(two)).checks, ['ek.virtual']);
    configuration.deleteHost(ekOf(two));
    configuration.setSettings({ ...defaultTpmSettings, enrolment: 'auto' });
    assert.deepEqual((await attest(two)).checks, ['ek.virtual']);
    assert.deepEqual(configuration.hosts(), []);
    enrol('approve');
    await attest(two);
    await post('tpm2/endorsement-keys', { ek: ekOf(two), name: 'guest', scope: 'production' });
    assert.equal(configuration.host(ekOf(two))?.tpm, 'virtual', 'known from its certificate');
    configuration.setSettings({
      ...defaultTpmSettings,
      require_certificate_validation: false,
      require_endorsement_keys: true,
    });
    assert.deepEqual((await attest(two)).checks, ['ek.virtual'], 'also when no certificate is asked for');
  });

  test('a key that was listed by its hash is known in full once it attested', async () => {
    const rsa = await as(one, 'rsa-2048');
    const listed = await approve({ ek: ekOf(rsa), name: 'kvm1' });
    assert.equal(listed.public_key, undefined);
    await attest(rsa);
    const [row] = (await client.call('GET', '/attestation/tpm2/endorsement-keys')).body as HostRecord[];
    assert.equal(row?.public_key, pemOf(rsa.identity.ek.publicArea));
    assert.equal(configuration.host(ekOf(rsa))?.public_key, undefined, 'attesting changes no configuration');
  });

  test('what the certificate of a TPM says goes into the registry, by whichever way it comes', async () => {
    const rsa = await as(one, 'rsa-2048');
    await attest(rsa);
    const [pending] = configuration.registry.pending();
    assert.deepEqual([pending?.manufacturer, pending?.model], ['id:00001014', 'swtpm']);
    const certificate = pemText('CERTIFICATE', rsa.identity.certificate ?? new Uint8Array());
    const listed = await approve({ certificate, name: 'kvm2', scope: 'production' });
    assert.deepEqual([listed.ek, listed.tpm, listed.manufacturer], [ekOf(rsa), 'virtual', 'id:00001014']);
    configuration.deleteHost(listed.ek);
    const again = await approve({ certificate, name: 'kvm2', scope: 'production' });
    assert.deepEqual([again.tpm, again.model], ['virtual', 'swtpm'], 'also before it ever asked');
    configuration.deleteHost(listed.ek);
    enrol('auto');
    await attest(rsa);
    const [row] = configuration.hosts();
    assert.deepEqual([row?.aks, row?.manufacturer], [[hex(rsa.identity.ak.name)], 'id:00001014']);
    const { firmware } = (await client.call('GET', `/attestation/hosts/${row?.name}`)).body as { firmware: string };
    assert.match(firmware, /^8217\.4131\.\d+\.\d+$/, 'swtpm has the date of libtpms in it');
  });

  test('of two TPMs that ask for one name at once, one gets it', async () => {
    const ask = (host: BenchHost) =>
      approve({ ek: ekOf(host), name: 'kvm1' }).then(
        () => 'approved',
        () => 'refused',
      );
    assert.deepEqual((await Promise.all([ask(one), ask(two)])).toSorted(), ['approved', 'refused']);
    assert.equal(configuration.hosts().length, 1);
  });

  test('of two first contacts of one TPM at once, one row comes', async () => {
    enrol('auto');
    const evidence = [await evidenceOf(one), await evidenceOf(one)];
    const answers = await Promise.all(evidence.map((each) => service.report(each)));
    assert.deepEqual(
      answers.map(({ attested }) => attested),
      [true, true],
    );
    assert.equal(configuration.hosts().length, 1);
  });
});
