import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../../problem.ts';
import { readExcludes } from './exclude-lint.ts';

test('excludes that leave nothing to be judged are refused, with what they would let through', () => {
  const table: [string, RegExp][] = [
    ['*', /matches everything/],
    ['/**', /matches everything/],
    ['/*', /matches everything/],
    ['/[!x]*/**', /matches everything/],
    ['**/a', /expected an absolute path/],
    ['tmp/*', /expected an absolute path/],
    ['/v*/**', /expected its first folder by name/],
    ['/usr/**', /matches \/usr\/bin\/a and its like \(programs\)/],
    ['/usr/?in/*', /programs/],
    ['/etc/**', /configuration/],
    ['/etc/ima/*', /rules that end the measuring/],
    ['/etc/ld.so.preload', /libraries of every program/],
    ['/lib/modules/**', /kernel modules/],
    ['/root/**', /authorized_keys/],
    ['/a/[', /\[ at character 4 without \]/],
    ['/a/../b', /no file has this path/],
  ];
  for (const [pattern, message] of table) {
    assert.throws(
      () => readExcludes([pattern]),
      (e) => e instanceof Problem && message.test(e.message),
      pattern,
    );
  }
});

test('excludes of what changes on every host are accepted', () => {
  const usual = [
    '/var/log/**',
    '/var/lib/dpkg/**',
    '/run/**',
    '/tmp/**',
    '/etc/mtab',
    '/etc/machine-id',
    '/var/cache/**',
  ];
  assert.equal(readExcludes(usual).length, usual.length);
});
