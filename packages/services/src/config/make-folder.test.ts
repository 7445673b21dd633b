import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from './make-folder.ts';

test('folders are made for their owner only; one that is there stays', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'folder-'));
  t.after(() => rmSync(folder, { recursive: true }));
  makeFolder(join(folder, 'a/b/c'));
  for (const made of ['a', 'a/b', 'a/b/c']) assert.equal(statSync(join(folder, made)).mode & 0o777, 0o700);
  makeFolder(join(folder, 'a/b'));
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => makeFolder(join(folder, 'file')), {
    kind: 'file.unreadable',
    message: /file: the folder cannot/,
  });
  assert.throws(() => makeFolder(join(folder, 'file/below')), { kind: 'file.unreadable' });
});

test('a file system that has no place for folders ends it', () => {
  assert.throws(() => makeFolder('/proc/vouchsafe/state'), {
    kind: 'file.unreadable',
    message: /^\/proc\/vouchsafe: the folder cannot be made: ENOENT/,
  });
});
