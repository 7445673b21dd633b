import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { replayIma } from '@vouchsafe/eventlog/ima/replay';
import { buildIma, type ImaInput } from '@vouchsafe/eventlog/testing/ima';
import { continueIma, type ImaProgress, passesThrough, startAfter, startOfBoot } from './progress.ts';

const inputs: readonly ImaInput[] = ['boot_aggregate', '/bin/a', '/bin/b', '/bin/c', '/bin/d'].map((name) => ({
  template: 'ima-ng',
  digest: digest('sha256', Buffer.from(name)),
  name,
}));
const entries = (from: number, to?: number) => decodeImaLog(buildIma(inputs.slice(from, to)));
const valueAfter = (count: number, initial = zeros) =>
  replayIma(entries(0, count), 'sha256', { initial: new Map([[10, initial]]) }).get(10) ?? initial;
const zeros = new Uint8Array(32);
const boot = startOfBoot('sha256', zeros);
const known = (count: number): ImaProgress => ({
  v: 1,
  bank: 'sha256',
  rule: 'hash',
  value: hex(valueAfter(count)),
  entries: count,
});

test('a log is continued where the last quote left it, and later entries are not proven', () => {
  assert.deepEqual(continueIma(boot, entries(0), valueAfter(3)), {
    bank: 'sha256',
    rule: 'hash',
    value: valueAfter(3),
    entries: 3,
    covered: 3,
  });
  const next = continueIma(startAfter(known(3)), entries(3), valueAfter(4));
  assert.deepEqual([next?.entries, next?.covered], [4, 1]);
  const still = continueIma(startAfter(known(3)), [], valueAfter(3));
  assert.deepEqual([still?.entries, still?.covered], [3, 0]);
});

test('a log that leaves out entries, repeats them, or begins elsewhere than it claims leads nowhere', () => {
  const attacks = {
    'entry 2 is left out': continueIma(startAfter(known(2)), entries(3), valueAfter(5)),
    'entry 0 is sent again': continueIma(startAfter(known(3)), entries(0), valueAfter(5)),
    'known entries are sent again': continueIma(startAfter(known(3)), entries(2), valueAfter(5)),
    'the end is claimed to be the whole': continueIma(boot, entries(3), valueAfter(5)),
    'what is known is claimed to be all': continueIma(startAfter(known(3)), [], valueAfter(5)),
    'the value of an earlier quote': continueIma(startAfter(known(3)), entries(3), valueAfter(2)),
    'another beginning': continueIma(startOfBoot('sha256', zeros.with(0, 1)), entries(0), valueAfter(5)),
  };
  for (const [what, found] of Object.entries(attacks)) assert.equal(found, undefined, what);
});

test('the kernel does not change its way of extending in the middle of a boot', () => {
  const padded = replayIma(entries(3), 'sha256', { rule: 'paddedSha1', initial: new Map([[10, valueAfter(3)]]) });
  assert.equal(continueIma(startAfter(known(3)), entries(3), padded.get(10)!), undefined);
  const whole = replayIma(entries(0), 'sha256', { rule: 'paddedSha1' }).get(10)!;
  assert.equal(continueIma(boot, entries(0), whole)?.rule, 'paddedSha1');
});

test('a whole log passes through what was known of the boot, or it is not the log of that boot', () => {
  assert.equal(passesThrough(boot, entries(0), known(3)), true);
  assert.equal(passesThrough(boot, entries(0), known(0)), true);
  assert.equal(passesThrough(boot, entries(0, 2), known(3)), false, 'it is shorter');
  assert.equal(passesThrough(boot, entries(1), known(3)), false, 'it is another');
});
