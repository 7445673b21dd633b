import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { base64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { appraise } from '@vouchsafe/domain/attestation/appraisal';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { openChallenge, sealChallenge } from '@vouchsafe/domain/attestation/challenge';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { pemOf } from '@vouchsafe/domain/attestation/ek-pem';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { Evidence, ReportAnswer } from '@vouchsafe/domain/attestation/messages';
import { defaultTpmSettings } from '@vouchsafe/domain/attestation/policy';
import { policyDigest } from '@vouchsafe/domain/attestation/policy-digest';
import { attributeValues } from '@vouchsafe/domain/attestation/saml/assertion';
import { verifyAssertion } from '@vouchsafe/domain/attestation/saml/verify-assertion';
import { verifyToken } from '@vouchsafe/domain/attestation/token';
import { jwkOf, newPair, thumbprint } from '@vouchsafe/domain/keys/jwk';
import { Problem } from '@vouchsafe/domain/problem';
import { problem } from '@vouchsafe/domain/testing/problem';
import { AttestationService } from '@vouchsafe/services/attestd/attestation-service';
import { BootHistories } from '@vouchsafe/services/attestd/boot-histories';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { type TestMembership, testMembership } from '@vouchsafe/services/host/testing/membership';
import { makeEvidence, type SessionKeys } from '@vouchsafe/services/kmxa/evidence';
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

describe('the Attestation Service with real TPMs', () => {
  let bench: Bench;
  let good: BenchHost;
  let evil: BenchHost;
  let golden: BaseImage;
  let part: TestPart;
  let configuration: AttestationConfiguration;
  let membership: TestMembership;
  let now = benchTime;
  /** What the clock says next, before it says `now` again. */
  let coming: number[] = [];

  before(async () => {
    bench = await Bench.create();
    good = await bench.addHost('good', 'debian12-uki-a');
    evil = await bench.addHost('evil', 'debian12-uki-b');
    golden = await capture(good);
  });
  after(async () => await bench?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    part = testPart();
    membership = testMembership();
    [now, coming] = [benchTime, []];
    configuration = new AttestationConfiguration(part.store);
    configuration.addAuthority('bench', await bench.storedAuthority());
    configuration.addImage(activeRecord(golden));
    configuration.setSettings({ ...defaultTpmSettings, virtual_tpm_scopes: [benchScope] });
  });
  afterEach(() => part.close());

  /** @param offset seconds by which the clock of this one differs */
  async function newService(offset = 0): Promise<AttestationService> {
    const signer = await bench.certify('attestd');
    return new AttestationService({
      instance: 'urn:vouchsafe:attestd:bench',
      group: bench.group,
      membership,
      configuration,
      signer: () => signer,
      boots: new BootHistories(part.store),
      audit: (entry) => part.audit(entry),
      now: () => (coming.shift() ?? now) + offset,
    });
  }

  /** The first round with a service and what an honest agent makes of it. */
  async function evidenceFor(service: AttestationService, host: BenchHost, keys: SessionKeys = newKeys()) {
    const challenge = await service.begin(requestOf(host));
    const agent = logPaths(host.boot);
    return await makeEvidence(host.tpm, host.identity, challenge, keys, { agent, group: bench.group.id, version: 'x' });
  }

  const checksOf = ({ findings }: ReportAnswer) => findings.map(({ check }) => check);
  const actions = () => part.records.map(({ action }) => action);

  test('an approved host with the golden boot gets a token that is bound to its keys', async () => {
    configuration.putHost(good.record);
    const [service, keys] = [await newService(), newKeys()];
    const answer = await service.report(await evidenceFor(service, good, keys));
    const claims = await verifyToken(String(answer.token), bench.group, now);
    assert.deepEqual(
      [claims.sub, claims.scope, claims.host, claims.img, claims.enrolled, claims.exp],
      [`ek:${good.record.ek}`, benchScope, 'good', 'golden', 'approved', now + 600],
    );
    assert.deepEqual(
      [claims.cnf.jkt, claims.rel],
      [thumbprint(jwkOf(keys.signing.publicKey)), jwkOf(keys.encryption.publicKey)],
    );
    const { 'ear.status': status, 'ear.trustworthiness-vector': vector } = claims.submods.host;
    assert.deepEqual([status, vector.executables, vector.hardware], ['warning', 'warning', 'warning']);
    assert.equal(vector.configuration, 'affirming');
    assert.deepEqual(actions(), ['host.attest']);
  });

  test('who asks for a SAML assertion gets one with the facts of the token, for the same key', async () => {
    configuration.putHost(good.record);
    const [service, keys] = [await newService(), newKeys()];
    const plain = await service.report(await evidenceFor(service, good));
    assert.equal(plain.saml, undefined);
    const answer = await service.report({ ...(await evidenceFor(service, good, keys)), documents: ['jwt', 'saml2'] });
    const claims = await verifyToken(String(answer.token), bench.group, now);
    const facts = await verifyAssertion(String(answer.saml), bench.group, now);
    assert.deepEqual(facts.holder, jwkOf(keys.signing.publicKey));
    assert.deepEqual(facts.attributes, attributeValues(claims));
    assert.deepEqual([facts.subject, facts.id, facts.notOnOrAfter], [claims.sub, `_${claims.jti}`, claims.exp]);
    configuration.deleteImage('golden');
    const refused = await service.report({ ...(await evidenceFor(service, good, keys)), documents: ['saml2'] });
    assert.deepEqual([refused.attested, refused.saml], [false, undefined]);
  });

  test('every verdict is recorded with the digests of evidence and policy, and a change of policy changes its name', async () => {
    configuration.putHost(good.record);
    const service = await newService();
    const before = policyDigest(configuration.policy(bench.group));
    const { policy } = await verifyToken(
      String((await service.report(await evidenceFor(service, good))).token),
      bench.group,
      now,
    );
    configuration.deleteImage('golden');
    configuration.addImage(activeRecord({ ...golden, name: 'renamed' }));
    await service.report(await evidenceFor(service, good));
    const [first, second] = part.records.filter(({ action }) => action === 'host.attest').map(({ detail }) => detail);
    assert.deepEqual([first?.policy, policy, first?.epoch, second?.epoch], [before, before, 0, 1]);
    assert.equal(second?.policy, policyDigest(configuration.policy(bench.group)));
    assert.notEqual(second?.policy, before);
    assert.notEqual(second?.evidence, first?.evidence);
    configuration.deleteImage('renamed');
    await service.report(await evidenceFor(service, good));
    const refusal = part.records.find(({ action }) => action === 'host.refuse')?.detail;
    assert.equal(refusal?.policy, policyDigest(configuration.policy(bench.group)));
    assert.match(String(refusal?.evidence), /^[\w-]{43}$/);
  });

  test('a genuine TPM that nobody approved waits, is told one line, and is attested once it is approved', async () => {
    const service = await newService();
    const refused = await service.report(await evidenceFor(service, good));
    assert.deepEqual([refused.attested, refused.token, checksOf(refused)], [false, undefined, ['host.not-enrolled']]);
    const { ek, publicArea } = { ek: good.record.ek, ...good.identity.ek };
    const since = new Date(now * 1000).toISOString();
    const maker = { manufacturer: 'id:00001014', model: 'swtpm' };
    const keys = { ak: hex(good.identity.ak.name), public_key: pemOf(publicArea), ...maker };
    assert.deepEqual(configuration.pending(), [{ ek, tpm: 'virtual', image: 'golden', since, ...keys }]);
    await service.report(await evidenceFor(service, good));
    assert.deepEqual(actions(), ['host.pending', 'host.refuse', 'host.refuse']);
    configuration.putHost(good.record);
    assert.equal((await service.report(await evidenceFor(service, good))).attested, true);
    assert.deepEqual(configuration.pending(), []);
  });

  test('what differs is told to a host of the registry only', async () => {
    const service = await newService();
    const stranger = await service.report(await evidenceFor(service, evil));
    assert.deepEqual(checksOf(stranger), ['host.not-enrolled']);
    assert.doesNotMatch(JSON.stringify(stranger), /PCR/);
    configuration.putHost(evil.record);
    const known = await service.report(await evidenceFor(service, evil));
    assert.deepEqual(new Set(known.findings.map(({ pcr }) => pcr)), new Set([undefined, 4, 9, 11]));
    assert.match(JSON.stringify(known), /base image golden/);
    const claimed = { ...(await evidenceFor(service, evil)), claims: base64url(Buffer.from('{}')) };
    assert.deepEqual(
      (await service.report(claimed)).findings.map(({ check, detail }) => [check, detail]),
      [['quote.extra-data', 'refused; the Attestation Service has the details']],
      'whoever only names the EK of a host has proved nothing',
    );
  });

  test('a made-up TPM does not wait for approval', async () => {
    configuration.deleteAuthority('bench');
    const service = await newService();
    assert.deepEqual(checksOf(await service.report(await evidenceFor(service, good))), ['ek.certificate']);
    assert.deepEqual(configuration.pending(), []);
  });

  test('challenge of another instance: refused, and opened when instances share a key', async () => {
    configuration.putHost(good.record);
    const [one, two] = [await newService(), await newService()];
    const evidence = await evidenceFor(one, good);
    await assert.rejects(two.report(evidence), problem('challenge.elsewhere'));
    assert.equal((await one.report(evidence)).attested, true);
    const { challenge } = await attempt(good, bench.group);
    const [key, other] = [createSecretKey(Buffer.alloc(32, 1)), createSecretKey(Buffer.alloc(32, 2))];
    const sealed = sealChallenge(key, challenge);
    assert.deepEqual(openChallenge(key, sealed, now), challenge);
    assert.throws(() => openChallenge(other, sealed, now), problem('challenge.elsewhere'));
  });

  test('two instances whose clocks differ by half a minute judge alike, and each accepts the tokens of the other', async () => {
    configuration.putHost(good.record);
    for (const offset of [-30, 0, 30]) {
      const service = await newService(offset);
      const { attested, token = '' } = await service.report(await evidenceFor(service, good));
      assert.equal(attested, true);
      assert.equal((await verifyToken(token, bench.group, now)).iat, now + offset);
    }
    // Revoked and approved again by the clock that is ahead: the one behind makes no token that is refused for its date.
    const sub = `ek:${good.record.ek}`;
    membership.standing.join({ deny: { [sub]: now }, lifted: { [sub]: now } });
    const behind = await newService(-29);
    const { token = '' } = await behind.report(await evidenceFor(behind, good));
    await verifyToken(token, bench.group, now, membership.standing);
    await verifyToken(token, bench.group, now - 29, membership.standing);
  });

  test('challenge used twice: of two that race one is attested, and later none', async () => {
    configuration.putHost(good.record);
    const service = await newService();
    const evidence = await evidenceFor(service, good);
    const both = await Promise.all([service.report(evidence), service.report(evidence)]);
    assert.deepEqual(both.map(({ attested }) => attested).toSorted(), [false, true]);
    assert.deepEqual(checksOf(both.find(({ attested }) => !attested)!), ['challenge.once']);
    assert.equal((await service.report(evidence)).attested, false);
    const made = await attempt(good, bench.group);
    const again = inputOf(made, await bench.policy(golden), { consume: () => false });
    assert.equal(appraise(again, attestationChecks).trusted, false);
    assert.equal(appraise(again, without('challenge.once')).trusted, true);
  });

  test('challenge used twice in the second in which it ends: still one', async () => {
    configuration.putHost(good.record);
    const service = await newService();
    const evidence = await evidenceFor(service, good);
    now += 60;
    assert.equal((await service.report(evidence)).attested, true);
    coming = [now];
    now += 1;
    assert.deepEqual(checksOf(await service.report(evidence)), ['challenge.once']);
  });

  test('a challenge that is too old, changed or none is refused', async () => {
    const service = await newService();
    const evidence = await evidenceFor(service, good);
    for (const challenge of ['', 'a.b.c.d.e', `${evidence.challenge}A`, evidence.challenge.slice(1)]) {
      await assert.rejects(service.report({ ...evidence, challenge }), problem('challenge.elsewhere'));
    }
    now += 61;
    await assert.rejects(service.report(evidence), problem('challenge.expired', /1 s ago/));
  });

  test('malformed evidence names its field and uses up no challenge', async () => {
    configuration.putHost(good.record);
    const service = await newService();
    const evidence = await evidenceFor(service, good);
    const bad: [Partial<Evidence>, RegExp][] = [
      [{ claims: 'A' }, /claims/],
      [{ attest: 'AB' }, /attest/],
      [{ event_log: '*' }, /event_log/],
      [{ ek_certificate: 'A' }, /ek_certificate/],
      [{ intermediates: ['A'] }, /intermediates\[0\]/],
    ];
    for (const [change, field] of bad) {
      await assert.rejects(service.report({ ...evidence, ...change }), problem('input.malformed', field));
    }
    const { findings } = await service.report({ ...evidence, ek_certificate: 'AAAA' });
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'fail').map(({ check }) => check),
      ['ek.certificate'],
    );
    for (const field of ['attest', 'signature', 'claims'] as const) {
      const whole = Buffer.from(evidence[field], 'base64url');
      for (const octets of [whole.subarray(0, 0), whole.subarray(0, 3), whole.subarray(0, -1)]) {
        const changed = { ...evidence, [field]: base64url(octets) };
        assert.equal((await service.report(changed)).attested, false, `${field} of ${octets.length} bytes`);
      }
    }
    const fresh = await evidenceFor(service, good);
    assert.equal((await service.report({ ...fresh, intermediates: ['AAAA'] })).attested, true);
  });

  test('keys of the first round that are none are refused by their field', async () => {
    const service = await newService();
    const request = requestOf(good);
    await assert.rejects(service.begin({ ...request, banks: ['sha1'] }), problem('input.invalid', /banks/));
    await assert.rejects(service.begin({ ...request, ak: '*' }), problem('input.malformed', /ak/));
    await assert.rejects(service.begin({ ...request, ak: 'AAAA' }), problem('input.invalid', /ek or ak/));
    await assert.rejects(
      service.begin({ ...request, ek: { public: request.ak } }),
      problem('input.invalid', /ek or ak/),
      'an AK is no EK',
    );
  });

  test('a host that was revoked gets no token, also when it asked before', async () => {
    configuration.putHost(good.record);
    const service = await newService();
    const evidence = await evidenceFor(service, good);
    configuration.putHost({ ...good.record, state: 'revoked' });
    assert.equal(configuration.epoch(), 1);
    assert.deepEqual(checksOf(await service.report(evidence)), ['host.revoked']);
  });

  test('a host that another member revoked gets no token and no details, although our own registry approves it', async () => {
    configuration.putHost(good.record);
    const service = await newService();
    const evidence = await evidenceFor(service, good);
    const { standing } = membership;
    standing.join(standing.denial(`ek:${good.record.ek}`, now));
    const refused = await service.report(evidence);
    assert.deepEqual([refused.attested, checksOf(refused)], [false, ['host.revoked']]);
    configuration.setSettings({ ...configuration.settings(), enrolment: 'auto', virtual_tpm_scopes: ['default'] });
    configuration.deleteHost(good.record.ek);
    assert.equal((await service.report(await evidenceFor(service, good))).attested, false, 'nor by first contact');
    standing.join(standing.lifting(`ek:${good.record.ek}`));
    assert.equal((await service.report(await evidenceFor(service, good))).attested, true, 'until it is approved again');
  });

  test('a token is of the epoch in which its challenge was made; a member that is cut off makes none', async () => {
    configuration.putHost(good.record);
    const service = await newService();
    membership.standing.join({ epoch: 7 });
    const evidence = await evidenceFor(service, good);
    membership.standing.join({ epoch: 8, min_epoch: 8 });
    const { token = '' } = await service.report(evidence);
    assert.equal((await verifyToken(token, bench.group, now)).epoch, 7);
    await assert.rejects(
      verifyToken(token, bench.group, now, membership.standing),
      problem('token.invalid', /epoch 7/),
    );
    membership.stopped = new Problem('group.stale', 'cut off');
    await assert.rejects(service.begin(requestOf(good)), problem('group.stale'));
    membership.stopped = undefined;
    const late = await evidenceFor(service, good);
    membership.stopped = new Problem('group.stale', 'cut off');
    await assert.rejects(service.report(late), problem('group.stale'));
  });

  test('a host that is deleted while its token is signed is not put back', async () => {
    configuration.putHost(good.record);
    const service = await newService();
    const pending = service.report(await evidenceFor(service, good));
    while (!actions().includes('host.attest')) await new Promise((done) => setImmediate(done));
    configuration.deleteHost(good.record.ek);
    await pending;
    assert.equal(configuration.host(good.record.ek), undefined);
  });

  test('without a record there is no token', async () => {
    configuration.putHost(good.record);
    const service = await newService();
    const evidence = await evidenceFor(service, good);
    part.full = true;
    await assert.rejects(service.report(evidence), /no space left/);
  });

  test('enrolment auto approves on first contact, says so in the token, and keeps what the TPM is', async () => {
    configuration.setSettings({ ...defaultTpmSettings, enrolment: 'auto', virtual_tpm_scopes: ['default'] });
    const service = await newService();
    assert.equal((await service.report(await evidenceFor(service, evil))).attested, false);
    assert.deepEqual(configuration.hosts(), [], 'a bad boot enrols nobody');
    const answer = await service.report(await evidenceFor(service, good));
    assert.equal((await verifyToken(String(answer.token), bench.group, now)).enrolled, 'auto');
    const [host] = configuration.hosts();
    assert.deepEqual([host?.ek, host?.enrolled, host?.tpm], [good.record.ek, 'auto', 'virtual']);
    assert.ok(actions().includes('host.approve'));
  });

  test('settings: listed keys instead of certificates, both, or nothing at all', async () => {
    const service = await newService();
    const settle = (change: object) =>
      configuration.setSettings({ ...defaultTpmSettings, virtual_tpm_scopes: [benchScope], ...change });
    const outcome = async () => {
      const answer = await service.report(await evidenceFor(service, good));
      return answer.attested ? 'attested' : checksOf(answer).filter((check) => /^(ek|host|identity)\./.test(check));
    };
    configuration.putHost({ ...good.record, tpm: 'listed' });
    settle({ require_certificate_validation: false, require_endorsement_keys: true });
    assert.equal(await outcome(), 'attested');
    settle({ require_endorsement_keys: true });
    assert.equal(await outcome(), 'attested');
    configuration.putHost({ ...good.record, enrolled: 'auto' });
    assert.deepEqual(await outcome(), ['ek.listed']);
    settle({ require_certificate_validation: false });
    assert.deepEqual(await outcome(), ['identity.not-required']);
  });
});

const newKeys = (): SessionKeys => ({ signing: newPair(), encryption: newPair() });
