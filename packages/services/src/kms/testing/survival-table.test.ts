import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'node:test';
import { survivalTable } from './survival-table.ts';

const home = resolve(import.meta.dirname, '../../../../..');

test('each case of the survival table names tests that are there', () => {
  assert.equal(new Set(survivalTable.map(({ id }) => id)).size, survivalTable.length);
  for (const { id, tests } of survivalTable) {
    assert.ok(tests.length > 0, id);
    for (const [file, name] of tests) {
      const text = readFileSync(resolve(home, file), 'utf8');
      assert.ok(
        ["'", '`'].some((quote) => text.includes(`test(${quote}${name}`)),
        `${id}: ${file}: ${name}`,
      );
    }
  }
});
