import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions } from './version.ts';

/** Oldest first. */
const ordered = [
  '5.10.0-28-amd64',
  '6.1.0~rc3-1',
  '6.1.0-rc4',
  '6.1.0',
  '6.1.0-9-amd64',
  '6.1.0-32-amd64',
  '6.1.0-32-cloud-amd64',
  '6.1.0-100-amd64',
  '6.1.129-1',
  '6.1.129-1+deb12u1',
  '6.12.43+deb13-amd64',
  '6.12.57+deb13-amd64',
  '6.13.0-0.rc2',
  '10.0',
  '10.0.99999999999999999998',
  '10.0.99999999999999999999',
];

test('every pair of versions compares as their order says, in both directions', () => {
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries())
      assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} ${b}`);
  }
});

test('leading zeros mean nothing, and a version without the flavour is a minimum of all flavours', () => {
  assert.equal(compareVersions('6.01', '6.1'), 0);
  for (const flavour of ['', '-amd64', '-cloud-amd64', '-rt-amd64'])
    assert.ok(compareVersions(`6.1.0-32${flavour}`, '6.1.0-32') >= 0);
  assert.ok(compareVersions('6.1.0-31-amd64', '6.1.0-32') < 0);
});
