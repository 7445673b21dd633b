import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DistinctCount } from './distinct-count.ts';

test('different values are counted to a few percent, repeated ones once', () => {
  const count = new DistinctCount(4096);
  for (let round = 0; round < 3; round++) for (let i = 0; i < 2000; i++) count.add(`value ${i}`);
  assert.ok(Math.abs(count.count - 2000) < 200, String(count.count));
});

test('more values than there are places count as many, not as none', () => {
  const count = new DistinctCount(64);
  assert.equal(count.count, 0);
  for (let i = 0; i < 10_000; i++) count.add(`value ${i}`);
  assert.ok(count.count >= 64);
});
