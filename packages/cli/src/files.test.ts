import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readInput, readStart } from './files.ts';

test('a device without end is read up to the limit and no further', () => {
  assert.throws(() => readInput('/dev/zero', 100_000), { kind: 'input.too-large', message: /more than 100000 bytes/ });
  assert.deepEqual(readStart('/dev/zero', 70_000), new Uint8Array(70_000));
});

test('a file comes back whole, also one that the system gives no size of', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'files-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i);
  writeFileSync(join(folder, 'a'), bytes);
  assert.deepEqual(readInput(join(folder, 'a')), bytes);
  assert.deepEqual(readStart(join(folder, 'a'), 592), bytes.slice(0, 592));
  assert.match(new TextDecoder().decode(readInput('/proc/self/status')), /^Name:/);
});

test('what cannot be read is named', () => {
  for (const path of ['/nonexistent/file', tmpdir()])
    assert.throws(() => readInput(path), { kind: 'file.unreadable', message: new RegExp(`^${path}: `) });
});
