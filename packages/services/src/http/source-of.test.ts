import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceOf } from './source-of.ts';

const cases: [address: string | undefined, source: string][] = [
  [undefined, 'local'],
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0DB8:0001:0002::1', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8:1::', '2001:db8:1:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['x'.repeat(1000), 'x'.repeat(64)],
];
for (const [address, source] of cases)
  test(`${String(address).slice(0, 40)} counts for ${source}`, () => assert.equal(sourceOf(address), source));
