import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { captureImage } from '@vouchsafe/domain/attestation/capture';
import {
  type CaptureStatement,
  signCaptureStatement,
  verifyCapture,
} from '@vouchsafe/domain/attestation/capture-statement';
import { decodeEvidence } from '@vouchsafe/domain/attestation/evidence';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { Evidence, WholeEvidence } from '@vouchsafe/domain/attestation/messages';
import { defaultTpmSettings } from '@vouchsafe/domain/attestation/policy';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { problem } from '@vouchsafe/domain/testing/problem';
import { AttestationService } from '@vouchsafe/services/attestd/attestation-service';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { importedRecord } from '@vouchsafe/services/attestd/image-import';
import { testMembership } from '@vouchsafe/services/host/testing/membership';
import { makeEvidence } from '@vouchsafe/services/kmxa/evidence';
import { type TestPart, testPart } from '@vouchsafe/services/management/testing/part';
import { Bench, type BenchHost, benchScope, benchTime, claimedBoot, requestOf } from './bench.ts';

describe('base images that an Attestation Service confirmed, with real TPMs', () => {
  let bench: Bench;
  let elsewhere: Bench;
  let good: BenchHost;
  let part: TestPart;
  let configuration: AttestationConfiguration;
  let service: AttestationService;

  before(async () => {
    bench = await Bench.create();
    elsewhere = await Bench.create();
    good = await bench.addHost('good', 'debian12-uki-a');
  });
  after(async () => {
    await bench?.[Symbol.asyncDispose]();
    await elsewhere?.[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    part = testPart();
    configuration = new AttestationConfiguration(part.store);
    configuration.addAuthority('bench', await bench.storedAuthority());
    configuration.setSettings({ ...defaultTpmSettings, virtual_tpm_scopes: [benchScope] });
    const signer = await bench.certify('attestd');
    service = new AttestationService({
      instance: 'urn:vouchsafe:attestd:bench',
      group: bench.group,
      membership: testMembership(),
      configuration,
      signer: () => signer,
      boots: { last: () => undefined, put: () => undefined },
      audit: (entry) => part.audit(entry),
      now: () => benchTime,
    });
  });
  afterEach(() => part.close());

  async function evidenceOf(host: BenchHost): Promise<WholeEvidence> {
    const challenge = await service.begin(requestOf(host));
    const agent = { event_log: host.boot.eventLogPath, ima_log: host.boot.imaLogPath };
    const keys = { signing: newPair(), encryption: newPair() };
    return await makeEvidence(host.tpm, host.identity, challenge, keys, { agent, group: bench.group.id, version: 'x' });
  }

  /** The image of evidence, as the golden host makes it. */
  function imageOf(evidence: Evidence): BaseImage {
    const { pcrs, eventLog = new Uint8Array() } = decodeEvidence(evidence);
    return captureImage({ name: 'golden', version: '1', eventLog, pcrs, now: new Date(benchTime * 1000) });
  }

  const actions = () => part.records.map(({ action }) => action);
  const context = () => ({ configuration, group: bench.group, now: () => new Date(benchTime * 1000) });
  const upload = (content: object) => ({
    file: base64url(Buffer.from(JSON.stringify(content))),
    userspace_unmeasured: true,
  });

  test('a host that nobody approved yet is confirmed, gets no token, and waits for nothing', async () => {
    const evidence = await evidenceOf(good);
    const { statement } = await service.capture(evidence);
    const said = await verifyCapture(statement, imageOf(evidence), bench.group, benchTime);
    assert.deepEqual([said.ek, said.tpm, said.host, said.iat], [good.record.ek, 'virtual', undefined, benchTime]);
    assert.deepEqual([actions(), configuration.pending(), configuration.hosts()], [['image.capture'], [], []]);
    const { captured, state } = await importedRecord(
      upload({ v: 2, image: imageOf(evidence), capture: statement }),
      context(),
    );
    assert.deepEqual(
      [captured?.ek, captured?.host, captured?.tpm, state],
      [good.record.ek, undefined, 'virtual', 'staged'],
    );
  });

  test('an approved host is named', async () => {
    configuration.putHost(good.record);
    const evidence = await evidenceOf(good);
    const { statement } = await service.capture(evidence);
    assert.equal((await verifyCapture(statement, imageOf(evidence), bench.group, benchTime)).host, 'good');
  });

  test('evidence is confirmed once, and then attests nothing', async () => {
    configuration.putHost(good.record);
    configuration.addImage(activeRecord(imageOf(await evidenceOf(good))));
    const evidence = await evidenceOf(good);
    await service.capture(evidence);
    await assert.rejects(service.capture(evidence), problem('attestation.refused'));
    assert.deepEqual(
      (await service.report(evidence)).findings.map(({ check }) => check),
      ['challenge.once'],
    );
  });

  test('not confirmed: a TPM of a maker that is not trusted, a forged value, another log, a stranger to the group', async () => {
    const refusals: [Partial<WholeEvidence>, RegExp][] = [
      [{ pcrs: { ...(await evidenceOf(good)).pcrs, 4: 'ab'.repeat(32) } }, /quote\.digest/],
      [
        { event_log: base64url(fromBase64url(String(claimedBoot(good.boot).event_log)).subarray(0, 65)) },
        /eventlog\.replay/,
      ],
      [{ claims: base64url(Buffer.from('{}')) }, /quote\.extra-data/],
    ];
    for (const [change, check] of refusals) {
      const forged = { ...(await evidenceOf(good)), ...change };
      const refused = await service.capture(forged).then(
        () => assert.fail('confirmed'),
        (error) => error,
      );
      assert.match(JSON.stringify(part.records.at(-1)?.detail), check);
      assert.equal(refused.kind, 'attestation.refused');
    }
    configuration.deleteAuthority('bench');
    await assert.rejects(service.capture(await evidenceOf(good)), problem('attestation.refused'));
    assert.ok(!actions().includes('image.capture'));
  });

  test('statements that are not about this image, or not by an Attestation Service of this group', async () => {
    const evidence = await evidenceOf(good);
    const { statement } = await service.capture(evidence);
    const image = imageOf(evidence);
    const said = await verifyCapture(statement, image, bench.group, benchTime);
    const signed = async (change: Partial<CaptureStatement>, by = bench, role: 'attestd' | 'kmxd' = 'attestd') => {
      const { key, certificate } = await by.certify(role);
      return await signCaptureStatement(key, certificate, { ...said, ...change });
    };
    const refused: [name: string, statement: string, naming: RegExp][] = [
      ['of another group', await signed({ aud: elsewhere.group.id }, elsewhere), /not issued by the CA/],
      ['of another group, for ours', await signed({}, elsewhere), /not issued by the CA/],
      ['for another group', await signed({ aud: elsewhere.group.id }), /another group/],
      ['by a service of another kind', await signed({}, bench, 'kmxd'), /role attestd/],
      ['about another log', await signed({ event_log: '00'.repeat(32) }), /log of the image/],
      ['from the future', await signed({ iat: benchTime + 31 }), /future/],
      ['from before the service was certified', await signed({ iat: 1 }), /not valid yet/],
      ['with a member too many', await signed({ trusted: true } as object), /trusted/],
      ['cut', statement.slice(0, -4), /signature/],
      [
        'changed',
        statement.replace(/\.([^.])/, (_all, first) => `.${first === 'e' ? 'f' : 'e'}`),
        /signature|statement/,
      ],
      ['none', 'a.b.c', /header/],
    ];
    for (const [name, jws, naming] of refused) {
      await assert.rejects(verifyCapture(jws, image, bench.group, benchTime), problem('image.untrusted', naming), name);
      const file = upload({ v: 2, image, capture: jws });
      await assert.rejects(importedRecord(file, context()), problem('image.untrusted', naming), name);
    }
    const years = benchTime + 5 * 365 * 86_400;
    assert.equal((await verifyCapture(statement, image, bench.group, years)).ek, said.ek, 'statements do not age');
  });
});
