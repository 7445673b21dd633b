import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { maxKeySafe } from '@vouchsafe/domain/keys/key-safe';
import { problem } from '@vouchsafe/domain/testing/problem';
import { luksUuidOf } from './disk-check.ts';
import { readSidecar, sidecarOf, writeSidecar } from './sidecar.ts';

let folder: string;
let disk: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sidecar-'));
  disk = join(folder, 'vm.img');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what was written is read; nothing is there before', () => {
  assert.equal(readSidecar(disk), undefined);
  writeSidecar(disk, '{"v":1}');
  assert.equal(readSidecar(disk), '{"v":1}');
});

test('a link that somebody laid in place of the temporary file or of the copy is not written through', () => {
  const other = join(folder, 'shadow');
  for (const name of [`${sidecarOf(disk)}.new`, sidecarOf(disk)]) {
    writeFileSync(other, 'of somebody else');
    symlinkSync(other, name);
    writeSidecar(disk, '{"v":1}');
    assert.equal(readFileSync(other, 'utf8'), 'of somebody else');
    assert.equal(readSidecar(disk), '{"v":1}');
    rmSync(sidecarOf(disk));
  }
  assert.equal(existsSync(`${sidecarOf(disk)}.new`), false);
});

test('a link, a named pipe, a device or too long a file is no copy; none of them is waited for', () => {
  const path = sidecarOf(disk);
  symlinkSync('/dev/zero', path);
  assert.throws(() => readSidecar(disk), problem('file.unreadable', /keysafe/));
  rmSync(path);
  execFileSync('mkfifo', [path]);
  assert.throws(() => readSidecar(disk), problem('file.unreadable', /expected a regular file/));
  rmSync(path);
  writeFileSync(path, 'x'.repeat(maxKeySafe + 1));
  assert.throws(() => readSidecar(disk), problem('file.unreadable', /at most/));
});

test('a named pipe in the place of a disk is no image, and is not waited for', () => {
  execFileSync('mkfifo', [disk]);
  assert.equal(luksUuidOf(disk), undefined);
});
