import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import type { Kek } from '@vouchsafe/domain/keys/provider';
import { KekCache } from './kek-cache.ts';

const day = 24 * 3600;
const kek = (ct: string): Kek => ({
  reference: { kind: 'trusted', prv: '11111111-2222-4333-8444-555555555555', ct },
  key: createSecretKey(Buffer.alloc(32)),
  uses: ['run'],
});

function cacheAt() {
  const world = { now: 1000, age: 0 as number | undefined, grace: 100 };
  return {
    world,
    cache: new KekCache(
      () => world.now,
      () => world.age,
      () => world.grace,
    ),
  };
}

test('a key is given out during an outage only while the last verdict was positive and is young enough', () => {
  const { world, cache } = cacheAt();
  cache.put(kek('a'));
  const given = () => cache.duringOutage(kek('a').reference) !== undefined;
  assert.ok(given());
  world.age = 99;
  assert.ok(given());
  for (const age of [100, 101, undefined]) {
    world.age = age;
    assert.ok(!given(), String(age));
  }
  world.age = 0;
  world.grace = 0;
  assert.ok(!given(), 'no grace at all');
  assert.equal(cache.duringOutage(kek('b').reference), undefined);
});

test('a key is forgotten after a day, also when another one before it was renewed', () => {
  const { world, cache } = cacheAt();
  cache.put(kek('a'));
  cache.put(kek('b'));
  world.now += day - 1;
  cache.put(kek('a'));
  assert.ok(cache.duringOutage(kek('b').reference));
  world.now += 1;
  assert.equal(cache.duringOutage(kek('b').reference), undefined);
  assert.ok(cache.duringOutage(kek('a').reference));
});

test('a denial empties it', () => {
  const { cache } = cacheAt();
  cache.put(kek('a'));
  cache.clear();
  assert.equal(cache.duringOutage(kek('a').reference), undefined);
});
