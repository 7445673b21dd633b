import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '@vouchsafe/domain/problem';
import { HostSetupError } from '@vouchsafe/services/host-setup/item';
import { TestingError } from '@vouchsafe/testing/error';
import { problemFrom } from './problem-from.ts';

test('faults of host preparation and of real parts are problems with a hint, not internal errors', () => {
  const expected: [Error, string][] = [
    [new HostSetupError('guests-running', 'guests are running (web1)'), 'object.in-use'],
    [new HostSetupError('no-libvirt', '/etc/libvirt is missing'), 'host.package-missing'],
    [new TestingError('not-root', 'not root'), 'host.not-root'],
    [new TestingError('no-apt', 'no apt-get here'), 'host.unsupported'],
    [new Problem('disk.full', 'no space'), 'disk.full'],
    [new RangeError('nobody foresaw this'), 'internal'],
  ];
  for (const [error, kind] of expected) {
    const problem = problemFrom(error);
    assert.deepEqual([problem.kind, problem.message], [kind, error.message]);
  }
});
