import assert from 'node:assert/strict';
import { readFile, readlink, stat } from 'node:fs/promises';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { run } from './command.ts';
import { initramfs } from './initramfs.ts';
import { Workdir } from './workdir.ts';

const entries = [
  { path: 'bin' },
  { path: 'bin/program', contents: Buffer.alloc(1001, 7), executable: true },
  { path: 'note', contents: 'three' },
  { path: 'link', target: 'note' },
];

test('equal entries give equal bytes', () => {
  assert.deepEqual(initramfs(entries), initramfs(entries));
});

test('cpio unpacks what was put in', async (t) => {
  await using work = await Workdir.create('cpio');
  const options = { cwd: work.path, input: gunzipSync(initramfs(entries)) };
  const unpacked = await run(['cpio', '--extract', '--quiet'], options).catch(() => undefined);
  if (unpacked === undefined) return t.skip('cpio is not installed');
  assert.equal(unpacked.code, 0, unpacked.stderr);
  assert.deepEqual(await readFile(work.file('bin/program')), Buffer.alloc(1001, 7));
  assert.equal((await stat(work.file('bin/program'))).mode & 0o777, 0o755);
  assert.equal(await readFile(work.file('note'), 'utf8'), 'three');
  assert.equal((await stat(work.file('note'))).mode & 0o777, 0o644);
  assert.equal(await readlink(work.file('link')), 'note');
});
