import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnprovenRefusals } from './unproven-refusals.ts';

test('a flood leaves a bounded number of records a minute, and the next record says how many are missing', () => {
  const refusals = new UnprovenRefusals();
  const flood = Array.from({ length: 500 }, (_, i) => refusals.take(600 + i / 10));
  assert.deepEqual(flood.filter((omitted) => omitted !== undefined).length, 120);
  assert.deepEqual([refusals.take(660), refusals.take(661)], [380, 0]);
});
