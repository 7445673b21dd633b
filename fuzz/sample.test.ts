import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign, play } from './campaign.ts';
import type { Target } from './target.ts';
import { targetsOf } from './targets.ts';

/** A short campaign against every target; `node fuzz/run.ts` goes on for as long as one likes. */
const budget = { seed: 1, runs: 100, seconds: 2 };

for (const target of await targetsOf()) {
  test(`${target.name}: mutants are read or refused in the declared way`, async () => {
    const outcome = await campaign(target, budget);
    assert.equal(outcome.failure, undefined);
    assert.ok(outcome.whole > 0, 'no sample is accepted unchanged: nothing behind the first check is reached');
    assert.ok(outcome.runs > 0);
  });
}

const planted: Target = {
  name: 'planted',
  samples: [new Uint8Array(64)],
  run(bytes) {
    if (bytes.includes(0x7f)) throw new RangeError('planted');
    if (bytes.length < 64) throw new TypeError('short');
  },
  refuses: (error) => error instanceof TypeError,
};

test('an undeclared error is found, with an input that shows it and nothing besides', async () => {
  const { failure, refused } = await campaign(planted, { seed: 1, runs: 10_000, seconds: 60 });
  assert.match(failure?.why ?? '', /RangeError: planted/);
  assert.equal(failure?.input, '7f');
  assert.ok(refused > 0);
  assert.equal((await play(planted, Uint8Array.of(0x7f))).verdict.split('\n')[0], 'RangeError: planted');
});

test('an input that never comes to its end in time is a failure', async () => {
  const slow: Target = { ...planted, run: () => new Promise((resolve) => setTimeout(resolve, 2100)) };
  assert.match((await play(slow, new Uint8Array())).verdict, /^took \d+ ms$/);
});

test('memory that is not given back is a failure', async () => {
  const kept: Uint8Array[] = [];
  const greedy: Target = { ...planted, run: () => kept.push(new Uint8Array(2 ** 20).fill(1)) };
  const { failure } = await campaign(greedy, { seed: 1, runs: 110, seconds: 60 });
  assert.match(failure?.why ?? '', /^the heap grew by \d+ MiB$/);
});
