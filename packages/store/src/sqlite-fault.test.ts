import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from './database.ts';
import { namingFile } from './sqlite-fault.ts';

test('a file that is no database, is damaged or has no folder is named with what is wrong', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'store-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'part.db');
  writeFileSync(file, 'x'.repeat(8192));
  assert.throws(() => openDatabase(file), {
    kind: 'file.unreadable',
    message: `${file}: it is no database, or damaged; restore it from a copy`,
  });
  assert.throws(() => openDatabase(join(folder, 'nosuch/part.db')), {
    kind: 'file.unreadable',
    message: /part\.db: it cannot be opened/,
  });
});

test('a full disk is told from a damaged file; what SQLite did not say stays what it is', () => {
  const fail = (errcode: number | undefined) => () =>
    namingFile('/a', () => {
      throw Object.assign(new Error('words'), errcode === undefined ? {} : { errcode });
    });
  assert.throws(fail(13), { kind: 'disk.full', message: '/a: there is no space for it' });
  assert.throws(fail(11), { kind: 'file.unreadable', message: /damaged/ });
  assert.throws(fail(5 | (1 << 8)), { kind: 'object.in-use' });
  assert.throws(fail(10), { kind: 'file.unreadable', message: /full or broken/ });
  assert.throws(fail(99), { kind: 'file.unreadable', message: '/a: words' });
  assert.throws(fail(undefined), { name: 'Error', message: 'words' });
});
