import assert from 'node:assert/strict';
import test from 'node:test';
import { atMost } from './turned-away.ts';

test('a flood of peers is counted, not told one by one', () => {
  let now = 0;
  const told: string[] = [];
  const tell = atMost(
    (remote, reason) => told.push(`${remote}: ${reason}`),
    () => now,
  );
  for (let i = 0; i < 100; i++) tell('192.0.2.1', 'unknown');
  assert.equal(told.length, 20);
  now = 1000;
  tell('192.0.2.2', 'unknown');
  assert.deepEqual(told.slice(20), [': 80 more, not told one by one', '192.0.2.2: unknown']);
});
