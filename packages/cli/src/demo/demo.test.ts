import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { vouchsafe } from '@vouchsafe/testing/site/program';

const skip = process.getuid?.() === 0 ? false : 'needs root';

test('the demonstration does what it says, and leaves nothing behind', { skip }, () => {
  const [file, ...args] = vouchsafe('demo', '--json');
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 300_000 });
  const steps = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: number; ok: boolean; detail: string[] });
  assert.deepEqual(
    steps.filter(({ ok }) => !ok),
    [],
    stderr,
  );
  assert.deepEqual(
    steps.map(({ step }) => step),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.equal(status, 0);
  assert.ok(!readFileSync('/proc/mounts', 'utf8').includes('vouchsafe-demo'));
});
