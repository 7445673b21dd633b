import assert from 'node:assert/strict';
import test from 'node:test';
import { Turns } from './turns.ts';

test('so many at once, and who wants little does not wait behind who wants much', async () => {
  const turns = new Turns(2);
  const order: string[] = [];
  let running = 0;
  const work = (name: string) => async () => {
    assert.ok(++running <= 2);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    order.push(name);
    if (name === 'a3') throw new Error(name);
  };
  const much = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((name) => turns.take('a', work(name)));
  const little = turns.take('b', work('b1'));
  await Promise.allSettled([...much, little]);
  assert.equal(order.length, 7);
  assert.ok(order.indexOf('b1') < order.indexOf('a5'), order.join(' '));
});
