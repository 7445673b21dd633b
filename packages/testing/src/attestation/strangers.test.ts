import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AppraisalInput, appraise, type Check, isKnownTpm } from '@vouchsafe/domain/attestation/appraisal';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import type { EventInput } from '@vouchsafe/eventlog/testing/build';
import { inputOf } from '../catalogue/compose.ts';
import { createTpm, createWorld, honestParts } from '../catalogue/honest.ts';
import type { Parts } from '../catalogue/parts.ts';

const forbidden = (count: number): EventInput[] =>
  Array.from({ length: count }, (_, i) => ({
    pcr: 8,
    type: 'EV_IPL',
    data: `kernel_cmdline: x init=/${i}\0`,
    measured: `x init=/${i}`,
  }));

async function parts(): Promise<Parts> {
  const world = await createWorld();
  return honestParts(world, await createTpm(world));
}

/** A TPM that its owner made up: an EK without certificate, and no row. */
const madeUp = (honest: Parts): Parts => ({
  ...honest,
  host: undefined,
  request: { ...honest.request, ek: { public: honest.request.ek.public } },
});

test('nothing of what a made-up TPM booted is looked at, however much it tells', async () => {
  const input = inputOf({ ...madeUp(await parts()), events: forbidden(2000), ima: [] });
  const { findings, appraisal } = appraise(input, attestationChecks);
  assert.deepEqual(
    findings.map(({ check }) => check),
    ['ek.certificate', 'host.not-enrolled'],
  );
  assert.equal(isKnownTpm(appraisal), false);
  const open = attestationChecks.map(({ gateForStrangers: _gate, ...check }): Check => check);
  assert.ok(appraise(input, open).findings.length > findings.length, 'without the gate all of it is');
});

test('a genuine TPM that nobody approved yet is looked at: whoever approves it wants to know', async () => {
  const { findings } = appraise(inputOf({ ...(await parts()), host: undefined }), attestationChecks);
  assert.ok(findings.some(({ check }) => check === 'image.match'));
});

test('a verdict lists so many findings of a check and counts the others, those that refuse first', async () => {
  const honest = await parts();
  const input: AppraisalInput = inputOf({ ...honest, events: [...honest.events, ...forbidden(2000)] });
  const { findings, trusted } = appraise(input, attestationChecks);
  assert.equal(trusted, false);
  assert.ok(findings.length < 300, `${findings.length} findings`);
  assert.ok(JSON.stringify(findings).length < 600_000);
  const rules = findings.filter(({ check }) => check === 'rule.cmdline.forbidden');
  assert.match(rules.at(-1)?.detail ?? '', /^and \d+ more findings of this check$/);
  assert.equal(rules.at(-1)?.severity, 'fail');
});
