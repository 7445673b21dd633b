import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from './token-bucket.ts';

test('so many at once, then at a steady pace, and never more than there is room for', () => {
  let now = 0;
  const bucket = new TokenBucket({ perSecond: 2, most: 3 }, () => now);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => bucket.take()),
    [0, 0, 0, 0.5],
  );
  now = 400;
  assert.ok(Math.abs(bucket.take() - 0.1) < 1e-9);
  now = 500;
  assert.deepEqual([bucket.take(), bucket.take()], [0, 0.5]);
  now = 1e6;
  assert.deepEqual(
    [1, 2, 3, 4].map(() => bucket.take()),
    [0, 0, 0, 0.5],
  );
});

test('several are taken together or not at all', () => {
  let now = 0;
  const bucket = new TokenBucket({ perSecond: 10, most: 5 }, () => now);
  assert.deepEqual([bucket.take(4), bucket.take(3), bucket.take()], [0, 0.2, 0]);
  now = 300;
  assert.equal(bucket.take(3), 0);
});
