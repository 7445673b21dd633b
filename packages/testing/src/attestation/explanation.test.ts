import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { verifyImage } from '@vouchsafe/domain/attestation/capture';
import type { Explanation } from '@vouchsafe/domain/attestation/explanation';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { defaultTpmSettings } from '@vouchsafe/domain/attestation/policy';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { AttestationService } from '@vouchsafe/services/attestd/attestation-service';
import { BootHistories } from '@vouchsafe/services/attestd/boot-histories';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { LastVerdicts } from '@vouchsafe/services/attestd/last-verdicts';
import { explanations } from '@vouchsafe/services/attestd/operations/explanations';
import { testMembership } from '@vouchsafe/services/host/testing/membership';
import type { HttpClient } from '@vouchsafe/services/http/client';
import { makeEvidence } from '@vouchsafe/services/kmxa/evidence';
import { routesOf } from '@vouchsafe/services/management/operation';
import { type TestPart, testPart } from '@vouchsafe/services/management/testing/part';
import { Bench, type BenchHost, benchScope, benchTime, capture, logPaths, requestOf } from './bench.ts';

type Explained = Explanation & { readonly since: string; readonly last: string };

describe('why a host was refused, on real TPMs', () => {
  let bench: Bench;
  let [good, updated, tampered] = [] as unknown as [BenchHost, BenchHost, BenchHost];
  let golden: BaseImage;
  let part: TestPart;
  let configuration: AttestationConfiguration;
  let now: number;

  before(async () => {
    bench = await Bench.create();
    good = await bench.addHost('good', 'debian12-uki-a');
    updated = await bench.addHost('updated', 'debian12-uki-b');
    tampered = await bench.addHost('tampered', 'debian12-uki-a-cmdline');
    golden = { ...(await capture(good)), command_line: good.boot.commandLine };
  });
  after(async () => await bench?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    part = testPart();
    now = benchTime;
    configuration = new AttestationConfiguration(part.store);
    configuration.addAuthority('bench', await bench.storedAuthority());
    configuration.addImage(activeRecord(golden));
    configuration.setSettings({ ...defaultTpmSettings, virtual_tpm_scopes: [benchScope] });
    for (const { record } of [good, updated, tampered]) configuration.putHost(record);
  });
  afterEach(() => part.close());

  async function attest(host: BenchHost, verdicts = new LastVerdicts(part.store)): Promise<boolean> {
    const signer = await bench.certify('attestd');
    const service = new AttestationService({
      instance: 'urn:vouchsafe:attestd:bench',
      group: bench.group,
      membership: testMembership(),
      configuration,
      signer: () => signer,
      boots: new BootHistories(part.store),
      audit: (entry) => part.audit(entry),
      explain: (given) => verdicts.take(given),
      now: () => now,
    });
    const challenge = await service.begin(requestOf(host));
    const keys = { signing: newPair(), encryption: newPair() };
    const agent = logPaths(host.boot);
    const input = { agent, group: bench.group.id, version: 'x' };
    return (await service.report(await makeEvidence(host.tpm, host.identity, challenge, keys, input))).attested;
  }

  /** As after a restart: everything is read from the store. */
  const client = (): Promise<HttpClient> =>
    part.serve(
      routesOf(
        explanations({
          configuration,
          verdicts: new LastVerdicts(part.store),
          store: part.store,
          audit: part.audit,
          now: () => new Date(now * 1000),
        } as unknown as Parameters<typeof explanations>[0]),
      ),
    );
  const explain = async (name: string) =>
    (await (await client()).call('GET', `/attestation/hosts/${name}/explanation`)).body as Explained;
  const amend = async (name: string) =>
    (await (await client()).call('GET', `/attestation/hosts/${name}/amendment`)).body as { image: BaseImage };

  test('a new kernel: told by facts, then by events, after a restart too', async () => {
    assert.equal(await attest(updated), false);
    const { attested, nearest, findings } = await explain('updated');
    assert.deepEqual([attested, nearest?.image, nearest?.pcrs], [false, 'golden', [4, 9, 11]]);
    const changed = nearest?.changed.map(({ part: name }) => name);
    assert.deepEqual(new Set(changed), new Set(['boot loader', 'kernel', 'initial file system']));
    for (const name of ['Secure Boot', 'PK', 'KEK', 'db', 'dbx', 'command line'] as const)
      assert.ok(nearest?.unchanged.includes(name), name);
    assert.deepEqual(
      nearest?.events.map(({ pcr, kind }) => [pcr, kind]),
      [
        [4, 'changed'],
        [4, 'changed'],
        [9, 'changed'],
        [11, 'changed'],
        [11, 'changed'],
      ],
    );
    assert.ok(findings.some(({ check, advice }) => check === 'image.match' && advice !== undefined));
  });

  test('the amendment, imported and activated, lets the host pass, and nobody else', async () => {
    await attest(updated);
    const { image } = await amend('updated');
    assert.equal(image.name, `golden-amended-${new Date(now * 1000).toISOString().slice(0, 10)}`);
    verifyImage(image);
    assert.equal(await attest(updated), false, 'a proposal trusts nothing');
    configuration.addImage(activeRecord(image));
    assert.equal(await attest(updated), true);
    assert.deepEqual([(await explain('updated')).attested, (await explain('updated')).image], [true, image.name]);
    assert.equal(await attest(tampered), false);
    await assert.rejects(amend('updated'), /it is attested, so there is nothing to amend/);
  });

  test('a changed command line: told by its parameters, and no amendment for what breaks a rule', async () => {
    assert.equal(await attest(tampered), false);
    const { nearest, findings } = await explain('tampered');
    assert.ok(
      nearest?.changed.some(({ part: name, text }) => name === 'command line' && text === 'added init=/bin/sh'),
    );
    assert.ok(nearest?.unchanged.includes('kernel'));
    assert.ok(
      findings.some(({ check, detail }) => check === 'rule.cmdline.forbidden' && /init=\/bin\/sh/.test(detail)),
    );
    await assert.rejects(amend('tampered'), /breaks rule\.cmdline\.forbidden: the command line has init=\/bin\/sh/);
  });

  test('a verdict like the one before is not written again, but its time is known; another one is', async () => {
    const verdicts = new LastVerdicts(part.store);
    await attest(updated, verdicts);
    const first = verdicts.of(updated.record.ek);
    now += 600;
    await attest(updated, verdicts);
    const second = verdicts.of(updated.record.ek);
    assert.equal(second?.since, first?.since);
    assert.equal(Date.parse(String(second?.last)) - Date.parse(String(first?.last)), 600_000);
    assert.equal(new LastVerdicts(part.store).of(updated.record.ek)?.last, first?.last, 'not yet in the store');
    now += 3600;
    await attest(updated, verdicts);
    assert.equal(Date.parse(String(new LastVerdicts(part.store).of(updated.record.ek)?.last)), now * 1000);
    configuration.deleteImage('golden');
    await attest(updated, verdicts);
    assert.equal(Date.parse(String(verdicts.of(updated.record.ek)?.since)), now * 1000);
    await assert.rejects(amend('updated'), /refused for something else than what it booted/);
  });

  test('strangers and hosts without a verdict have no explanation', async () => {
    configuration.deleteHost(updated.record.ek);
    await attest(updated);
    assert.equal(new LastVerdicts(part.store).of(updated.record.ek), undefined);
    await assert.rejects(explain('updated'), /host updated/);
    await assert.rejects(explain('good'), /no verdict of this instance yet/);
  });
});
