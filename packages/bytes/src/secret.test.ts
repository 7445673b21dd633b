import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from './secret.ts';

test('a secret takes its bytes over and wipes the source', () => {
  const source = new Uint8Array([1, 2, 3]);
  using secret = Secret.take(source);
  assert.deepEqual([...source], [0, 0, 0]);
  assert.deepEqual(
    secret.use((bytes) => [...bytes]),
    [1, 2, 3],
  );
});

test('no printing shows the bytes', () => {
  using secret = Secret.take(Buffer.from('canary-canary'));
  const shown = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
    `${secret}`,
  ];
  for (const text of shown) assert.doesNotMatch(text, /canary|63, ?97|6361/);
});

test('a wiped secret cannot be used and its buffer is zero', () => {
  let lent = new Uint8Array();
  const secret = Secret.take(new Uint8Array([7, 7]));
  secret.use((bytes) => {
    lent = bytes as Uint8Array<ArrayBuffer>;
  });
  secret[Symbol.dispose]();
  assert.deepEqual([...lent], [0, 0]);
  assert.throws(() => secret.use(() => 0), /wiped/);
});

test('equality holds for equal bytes only', () => {
  const of = (...bytes: number[]) => Secret.take(new Uint8Array(bytes));
  assert.equal(of(1, 2).equals(of(1, 2)), true);
  assert.equal(of(1, 2).equals(of(1, 3)), false);
  assert.equal(of(1, 2).equals(of(1, 2, 3)), false);
});
