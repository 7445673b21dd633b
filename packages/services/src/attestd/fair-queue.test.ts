import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue } from './fair-queue.ts';

function drained<T>(queue: FairQueue<T>): T[] {
  const all: T[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) all.push(item);
  return all;
}

test('sources are served in turn, and each in its order', () => {
  const queue = new FairQueue<string>(10);
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) assert.equal(queue.add(item[0]!, item), undefined);
  assert.equal(queue.size, 6);
  assert.deepEqual(drained(queue), ['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  assert.deepEqual([queue.size, queue.take()], [0, undefined]);
});

test('a full queue makes room at the cost of who has most in it', () => {
  const queue = new FairQueue<string>(4);
  for (const item of ['a1', 'a2', 'a3', 'b1']) queue.add(item[0]!, item);
  assert.equal(queue.hasRoomFor('a'), false);
  assert.equal(queue.add('a', 'a4'), 'a4');
  assert.equal(queue.hasRoomFor('c'), true);
  assert.equal(queue.add('c', 'c1'), 'a3');
  assert.equal(queue.add('b', 'b2'), 'b2', 'two of a, two of b: nobody has more than the newcomer would');
  assert.deepEqual([queue.size, drained(queue)], [4, ['a1', 'b1', 'c1', 'a2']]);
});

test('as many sources as there is room for: the next one waits elsewhere', () => {
  const queue = new FairQueue<string>(2);
  assert.deepEqual(
    ['a', 'b', 'c'].map((source) => queue.add(source, source)),
    [undefined, undefined, 'c'],
  );
  assert.equal(queue.hasRoomFor('c'), false);
});
