import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { soleOwner } from './sole-owner.ts';

const holder = `
  const { soleOwner } = await import('@vouchsafe/store/sole-owner');
  globalThis.held = soleOwner(process.argv[1]);
  process.stdout.write('held');
  setInterval(() => undefined, 1000);
`;

test('a second owner is refused until the first is gone, however it ended', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'owner-'));
  const path = join(folder, 'lock');
  const first = spawn(process.execPath, ['--input-type=module', '-e', holder, path], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => {
    first.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  await once(first.stdout, 'data');
  assert.throws(() => soleOwner(path, 0), { kind: 'object.in-use', message: `${path}: another process holds it` });
  first.kill('SIGKILL');
  await once(first, 'exit');
  {
    using _owner = soleOwner(path);
    assert.throws(() => soleOwner(path, 0), { kind: 'object.in-use' });
  }
  soleOwner(path, 0)[Symbol.dispose]();
});
