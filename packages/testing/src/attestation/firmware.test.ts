import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { type AppraisalInput, appraise } from '@vouchsafe/domain/attestation/appraisal';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import type { FirmwareBlock } from '@vouchsafe/domain/attestation/firmware-block';
import { firmwareText, firmwareWords } from '@vouchsafe/domain/attestation/firmware-version';
import type { AttestationPolicy } from '@vouchsafe/domain/attestation/policy';
import { akTemplates } from '@vouchsafe/tpm2/ak-template';
import { decodeAttest } from '@vouchsafe/tpm2/attest';
import { createPrimary } from '@vouchsafe/tpm2/commands/create-primary';
import { nameOf } from '@vouchsafe/tpm2/name';
import { attempt, Bench, type BenchHost, capture, inputOf } from './bench.ts';
import { without } from './without.ts';

/** What swtpm's certificates have as manufacturer: it is no vendor of the TCG. */
const swtpm = 'id:00001014';

describe('firmware of real TPMs', () => {
  let bench: Bench;
  let host: BenchHost;
  let policy: AttestationPolicy;
  let version: bigint;
  let honest: AppraisalInput;

  before(async () => {
    bench = await Bench.create();
    host = await bench.addHost('good', 'debian12-uki-a');
    policy = await bench.policy(await capture(host));
    honest = await inputFor(host);
    version = decodeAttest(honest.evidence.attest).firmwareVersion;
  });
  after(async () => await bench?.[Symbol.asyncDispose]());

  async function inputFor(of: BenchHost): Promise<AppraisalInput> {
    const made = await attempt(of, bench.group);
    return inputOf(made, policy, { host: { ...of.record, manufacturer: swtpm, model: 'swtpm' } });
  }

  const block = (change: Partial<FirmwareBlock> = {}): FirmwareBlock => ({
    name: 'CVE-0000-0000',
    manufacturer: swtpm,
    versions: [{ from: firmwareWords(version), below: firmwareWords(version + 1n) }],
    severity: 'fail',
    reason: 'a fault',
    advisory: 'https://example.org/advisory',
    ...change,
  });
  const withList = (input: AppraisalInput, ...blocklist: FirmwareBlock[]): AppraisalInput => ({
    ...input,
    policy: { ...input.policy, blocklist },
  });
  const outcome = (input: AppraisalInput, checks = attestationChecks) => {
    const { trusted, findings } = appraise(input, checks);
    const told = findings.filter(({ check }) => check.startsWith('tpm.firmware'));
    return [trusted, ...told.map(({ check, severity }) => `${severity} ${check}`)];
  };

  test('firmware on the blocklist is refused, with what to do; without the check it passes', () => {
    const input = withList(honest, block());
    assert.deepEqual(outcome(input), [false, 'fail tpm.firmware']);
    assert.deepEqual(outcome(input, without('tpm.firmware')), [true]);
    const [finding] = appraise(input, attestationChecks).findings.filter(({ check }) => check === 'tpm.firmware');
    assert.match(finding?.detail ?? '', /CVE-0000-0000: a fault/);
    assert.match(finding?.advice ?? '', /or later: https:\/\/example.org\/advisory/);
  });

  test('an entry of severity warn is told, others say nothing', () => {
    assert.deepEqual(outcome(withList(honest, block({ severity: 'warn' }))), [true, 'warn tpm.firmware']);
    const others = [
      block({ manufacturer: 'IFX' }),
      block({ versions: [{ from: '0.0', below: firmwareWords(version) }] }),
      block({ versions: [{ from: firmwareWords(version + 1n), below: '65535.0' }] }),
    ];
    assert.deepEqual(outcome(withList(honest, ...others)), [true]);
    assert.deepEqual(outcome(honest), [true]);
  });

  test('a host that lets its attestation key hide the version is refused like the firmware that it may have', async () => {
    await using ak = await createPrimary(host.tpm, 'owner', akTemplates.ecc);
    const input = await inputFor({ ...host, identity: { ...host.identity, ak } });
    const shown = decodeAttest(input.evidence.attest).firmwareVersion;
    assert.notEqual(shown, version, 'the TPM hides its version from this key');
    assert.deepEqual(outcome(input), [true], 'as long as nobody asks for it');
    assert.deepEqual(outcome(withList(input, block())), [false, 'fail tpm.firmware']);
    assert.deepEqual(outcome(withList(input, block({ severity: 'warn' }))), [true, 'warn tpm.firmware']);
    assert.deepEqual(outcome(withList(input, block({ manufacturer: 'IFX' }))), [true]);
    const last = { ...lastBoot(input), firmware: firmwareText(shown) };
    assert.deepEqual(outcome({ ...input, lastBoot: last }), [true], 'behind one offset, equal is equal');
  });

  test('firmware that changed since is told, and looked at anew', () => {
    const last = { ...lastBoot(honest), firmware: firmwareText(version - 1n) };
    assert.deepEqual(outcome({ ...honest, lastBoot: last }), [true, 'warn tpm.firmware-changed']);
    const blocked = withList({ ...honest, lastBoot: last }, block());
    assert.deepEqual(outcome(blocked), [false, 'warn tpm.firmware-changed', 'fail tpm.firmware']);
    assert.deepEqual(outcome({ ...honest, lastBoot: { ...last, firmware: firmwareText(version) } }), [true]);
    const { firmware: _unknown, ...older } = last;
    assert.deepEqual(outcome({ ...honest, lastBoot: older }), [true], 'a record of an older version of the program');
    assert.deepEqual(
      outcome({ ...honest, lastBoot: { ...last, ak: '000bff' } }),
      [true],
      'another key has another offset',
    );
    const plain = { ...last, ak: '000bff', plain: true };
    assert.deepEqual(outcome({ ...honest, lastBoot: plain }), [true, 'warn tpm.firmware-changed'], 'two that show it');
  });

  const lastBoot = ({ challenge, evidence }: AppraisalInput) => {
    const { clockInfo } = decodeAttest(evidence.attest);
    const { resetCount, restartCount, clock } = clockInfo;
    const ak = hex(nameOf(challenge.ak));
    return { ak, resetCount, restartCount, clock: String(clock - 1n), safe: true };
  };
});
