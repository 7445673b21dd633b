import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { nameOf } from '@vouchsafe/tpm2/name';
import { softwareKey } from '@vouchsafe/tpm2/testing/software-key';
import { Appraisal, type AppraisalInput, type BootRecord } from '../appraisal.ts';
import { clock } from './clock.ts';

const ak = softwareKey('ecc').publicArea;
const last: BootRecord = {
  ak: hex(nameOf(ak)),
  resetCount: 7,
  restartCount: 2,
  clock: String(2n ** 53n + 1n),
  safe: true,
};
const same = { clock: 2n ** 53n + 1n, resetCount: 7, restartCount: 2, safe: true };

function severities(now: typeof same, lastBoot: BootRecord | undefined = last): string[] {
  const appraisal = new Appraisal({ challenge: { ak }, lastBoot } as unknown as AppraisalInput);
  appraisal.prove('attest', { clockInfo: now } as never);
  return clock.run(appraisal).map(({ severity }) => severity);
}

const cases: [name: string, now: typeof same, verdict: string[]][] = [
  ['nothing went on', same, []],
  ['the clock went on', { ...same, clock: 2n ** 64n - 1n }, []],
  ['the clock went back by one, beyond what a Number holds', { ...same, clock: 2n ** 53n }, ['fail']],
  ['the clock went back after a loss of power', { ...same, clock: 0n, safe: false }, ['info']],
  ['another start, and the clock went back', { ...same, clock: 0n, resetCount: 8, restartCount: 0 }, []],
  ['resumed, and the clock went back', { ...same, clock: 0n, restartCount: 3 }, []],
  ['fewer starts', { ...same, resetCount: 6 }, ['fail']],
  ['fewer starts after a loss of power', { ...same, resetCount: 6, safe: false }, ['fail']],
];

for (const [name, now, verdict] of cases) {
  test(`within one AK: ${name}: ${verdict.join() || 'accepted'}`, () => assert.deepEqual(severities(now), verdict));
}

test('counters of another AK, or without an earlier quote, are not compared', () => {
  const behind = { ...same, resetCount: 0, clock: 0n };
  assert.deepEqual(severities(behind, { ...last, ak: 'ff' }), []);
  const appraisal = new Appraisal({ challenge: { ak }, lastBoot: undefined } as unknown as AppraisalInput);
  appraisal.prove('attest', { clockInfo: behind } as never);
  assert.deepEqual(clock.run(appraisal), []);
});
