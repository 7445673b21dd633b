import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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

test('what the system refuses is told without a stack, a defect is internal', () => {
  const refused = (f: () => unknown) => {
    try {
      return f();
    } catch (error) {
      return problemFrom(error).kind;
    }
  };
  assert.equal(
    refused(() => readFileSync('/nonexistent/file')),
    'file.unreadable',
  );
  assert.equal(
    refused(() => readFileSync('/')),
    'file.unreadable',
  );
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  assert.equal(problemFrom(full).kind, 'disk.full');
  assert.equal(problemFrom(Object.assign(new Error('a'), { code: 'ENOSPC' })).kind, 'internal');
  assert.equal(problemFrom(new TypeError('x is not a function')).kind, 'internal');
});
