import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { appraise } from '@vouchsafe/domain/attestation/appraisal';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { HeldLog } from '@vouchsafe/domain/attestation/held-log';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { ReportAnswer, WholeEvidence } from '@vouchsafe/domain/attestation/messages';
import { defaultTpmSettings } from '@vouchsafe/domain/attestation/policy';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import type { Problem } from '@vouchsafe/domain/problem';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { extendedDigest } from '@vouchsafe/eventlog/ima/replay';
import { buildIma } from '@vouchsafe/eventlog/testing/ima';
import { AttestationService } from '@vouchsafe/services/attestd/attestation-service';
import { BootHistories } from '@vouchsafe/services/attestd/boot-histories';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { testMembership } from '@vouchsafe/services/host/testing/membership';
import { makeEvidence } from '@vouchsafe/services/kmxa/evidence';
import { type Held, referTo } from '@vouchsafe/services/kmxa/refer';
import { type TestPart, testPart } from '@vouchsafe/services/management/testing/part';
import { pcrExtend } from '@vouchsafe/tpm2/commands/pcr-extend';
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

const failuresOf = ({ findings }: ReportAnswer) =>
  findings.filter(({ severity }) => severity === 'fail').map(({ check }) => check);

const sha256 = (text: string) => createHash('sha256').update(fromBase64url(text)).digest('hex');

describe('evidence by reference, with real TPMs', () => {
  let bench: Bench;
  let good: BenchHost;
  let evil: BenchHost;
  /** Booted the golden image too, and measures a file more. */
  let busy: BenchHost;
  let golden: BaseImage;
  let part: TestPart;
  let configuration: AttestationConfiguration;
  let service: AttestationService;
  /** Whether the evidence is kept, so must be whole. */
  let whole = false;

  before(async () => {
    bench = await Bench.create();
    good = await bench.addHost('good', 'debian12-uki-a');
    evil = await bench.addHost('evil', 'debian12-uki-b');
    busy = await bench.addHost('busy', 'debian12-uki-a');
    golden = await capture(good);
  });
  after(async () => await bench?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    part = testPart();
    configuration = new AttestationConfiguration(part.store);
    configuration.addAuthority('bench', await bench.storedAuthority());
    configuration.addImage(activeRecord(golden));
    configuration.setSettings({ ...defaultTpmSettings, virtual_tpm_scopes: [benchScope] });
    for (const { record } of [good, evil, busy]) configuration.putHost(record);
    const signer = await bench.certify('attestd');
    service = new AttestationService({
      instance: 'urn:vouchsafe:attestd:bench',
      group: bench.group,
      configuration,
      signer: () => signer,
      membership: testMembership(),
      boots: new BootHistories(part.store),
      audit: (entry) => part.audit(entry),
      now: () => benchTime,
      whole: () => whole,
    });
    whole = false;
  });
  afterEach(() => part.close());

  async function evidenceOf(host: BenchHost): Promise<WholeEvidence> {
    const challenge = await service.begin(requestOf(host));
    const keys = { signing: newPair(), encryption: newPair() };
    const agent = logPaths(host.boot);
    return await makeEvidence(host.tpm, host.identity, challenge, keys, { agent, group: bench.group.id, version: 'x' });
  }

  /** Evidence that refers to an event log, whatever the host booted. */
  const referring = ({ event_log: _log, ...rest }: WholeEvidence, event_log_sha256: string) => ({
    ...rest,
    event_log_sha256,
  });

  async function attestedOnce(host: BenchHost): Promise<Held> {
    const { attested, held } = await service.report(await evidenceOf(host));
    assert.ok(attested && held !== undefined);
    return held;
  }

  async function wantsLogs(evidence: ReturnType<typeof referring>): Promise<unknown> {
    const error = (await service.report(evidence).then(
      () => assert.fail('it was judged'),
      (problem) => problem,
    )) as Problem;
    assert.equal(error.kind, 'evidence.unknown', error.message);
    return error.data.challenge;
  }

  test('a host that was attested refers to its log and is attested again, as often as it likes', async () => {
    const held = await attestedOnce(good);
    for (let round = 0; round < 3; round++) {
      const whole = await evidenceOf(good);
      const evidence = { ...referTo(held, whole), challenge: whole.challenge };
      assert.equal(evidence.event_log, undefined);
      const answer = await service.report(evidence);
      assert.deepEqual([answer.attested, answer.image, answer.held], [true, 'golden', held]);
    }
    const verdicts = part.records.map(({ action }) => action);
    assert.deepEqual(verdicts, Array(4).fill('host.attest'));
  });

  test('a log that is not held: the host sends it with the same quote, and no challenge is used up in between', async () => {
    const whole = await evidenceOf(good);
    assert.equal(await wantsLogs(referring(whole, sha256(whole.event_log))), 'unused');
    assert.equal(await wantsLogs(referring(whole, sha256(whole.event_log))), 'unused');
    assert.equal((await service.report(whole)).attested, true);
    const again = await service.report(whole);
    assert.deepEqual(
      again.findings.map(({ check }) => check),
      ['challenge.once'],
    );
  });

  test('the log of another host, of an earlier start or of another AK is not held for this one', async () => {
    const held = await attestedOnce(good);
    const other = await evidenceOf(evil);
    assert.equal(await wantsLogs(referring(other, held.event_log_sha256)), 'unused');
    const refused = await service.report(other);
    assert.deepEqual([refused.attested, new Set(failuresOf(refused))], [false, new Set(['image.match'])]);
    const mine = await evidenceOf(good);
    assert.equal(await wantsLogs(referring(mine, '00'.repeat(32))), 'unused');
  });

  test('after a change of policy everything is looked at again', async () => {
    await attestedOnce(good);
    for (const change of [
      () => configuration.setSettings({ ...configuration.settings(), require_endorsement_keys: true }),
      () => configuration.deleteHost(evil.record.ek),
    ]) {
      change();
      const whole = await evidenceOf(good);
      assert.equal(await wantsLogs(referring(whole, sha256(whole.event_log))), 'unused');
      assert.equal((await service.report(whole)).attested, true);
      const next = await evidenceOf(good);
      assert.equal((await service.report(referring(next, sha256(next.event_log)))).attested, true);
    }
  });

  test('a host that was revoked gets no token by reference', async () => {
    await attestedOnce(good);
    configuration.putHost({ ...good.record, state: 'revoked' });
    const whole = await evidenceOf(good);
    assert.equal(await wantsLogs(referring(whole, sha256(whole.event_log))), 'unused');
    assert.deepEqual(
      (await service.report(whole)).findings.map(({ check }) => check),
      ['host.revoked'],
    );
  });

  test('evidence that is kept for later must come whole', async () => {
    const held = await attestedOnce(good);
    whole = true;
    const evidence = await evidenceOf(good);
    assert.equal(await wantsLogs(referring(evidence, held.event_log_sha256)), 'unused');
    assert.equal((await service.report(evidence)).held, undefined);
  });

  test('whoever proved nothing does not learn what is held', async () => {
    const held = await attestedOnce(good);
    const whole = await evidenceOf(good);
    for (const sha of [held.event_log_sha256, '00'.repeat(32)]) {
      const forged = { ...referring(whole, sha), claims: (await evidenceOf(good)).claims };
      const { attested, findings } = await service.report(forged);
      assert.deepEqual([attested, findings.map(({ check }) => check)], [false, ['quote.extra-data']]);
    }
  });

  test('evidence that sends a log and refers to one, or does neither, is no evidence', async () => {
    const whole = await evidenceOf(good);
    const { event_log: _log, ...neither } = whole;
    for (const evidence of [{ ...whole, event_log_sha256: '00'.repeat(32) }, neither, { ...whole, ima_offset: 1 }])
      await assert.rejects(service.report(evidence), { kind: 'input.invalid' });
    assert.equal((await service.report(whole)).attested, true, 'and the challenge is not used up');
  });

  test('of the IMA log only what follows is sent; from another entry on, or changed, it counts for nothing', async () => {
    const held = await attestedOnce(busy);
    assert.ok(held.ima_entries > 1);
    for (const ima_entries of [held.ima_entries - 1, held.ima_entries + 1]) {
      const shifted = { ...referring(await evidenceOf(busy), held.event_log_sha256), ima_offset: ima_entries };
      assert.equal(await wantsLogs(shifted), 'used');
    }
    const entry = { template: 'ima-ng', digest: new Uint8Array(32).fill(9), name: '/usr/bin/later' };
    const later = buildIma([entry]);
    await pcrExtend(busy.tpm, 10, [{ hashAlg: 'sha256', digest: extendedDigest(decodeImaLog(later)[0]!, 'sha256') }]);
    const grown = await evidenceOf(busy);
    const other = buildIma([{ ...entry, name: '/usr/bin/other' }]);
    const referred = { ...referring(grown, held.event_log_sha256), ima_offset: held.ima_entries };
    assert.equal(await wantsLogs({ ...referred, ima_log: base64url(other) }), 'used', 'another file than was measured');
    const again = { ...referring(await evidenceOf(busy), held.event_log_sha256), ima_offset: held.ima_entries };
    const answer = await service.report({ ...again, ima_log: base64url(later) });
    assert.deepEqual([answer.attested, answer.held?.ima_entries], [true, held.ima_entries + 1]);
  });

  test('a reference proves no values: what was extended since is not in the log', async () => {
    const held = await attestedOnce(good);
    await pcrExtend(good.tpm, 14, [{ hashAlg: 'sha256', digest: new Uint8Array(32).fill(1) }]);
    assert.equal(await wantsLogs(referring(await evidenceOf(good), held.event_log_sha256)), 'used');
    const refused = await service.report(await evidenceOf(good));
    assert.deepEqual([refused.attested, failuresOf(refused)], [false, ['eventlog.replay']]);
  });

  test('without the check any log that is held counts for any host', async () => {
    const honest = await attempt(evil, bench.group);
    const policy = await bench.policy({ ...(await capture(evil)), name: 'other' });
    const full = appraise(inputOf(honest, policy), attestationChecks);
    assert.equal(full.trusted, true);
    const pcrs = full.appraisal.get('pcrs');
    const values = new Map([['sha256' as const, new Map([...pcrs].filter(([pcr]) => pcr !== 10))]]);
    const log = new HeldLog({ sha256: 'ab'.repeat(32), image: 'other', findings: full.ofLog, values });
    const evidence = referring(honest.evidence, 'cd'.repeat(32));
    const input = inputOf({ ...honest, evidence }, policy, { held: () => log });
    const refused = appraise(input, attestationChecks);
    assert.deepEqual(
      [refused.trusted, refused.wantsLogs, refused.findings.map(({ check }) => check)],
      [false, true, ['evidence.held']],
    );
    assert.equal(appraise(input, without('evidence.held')).trusted, true);
    const other = appraise({ ...input, policy: await bench.policy(golden) }, without('evidence.held'));
    assert.deepEqual([other.trusted, other.wantsLogs], [false, true], 'a refusal needs the log');
  });
});
