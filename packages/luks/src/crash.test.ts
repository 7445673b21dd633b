import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '@vouchsafe/bytes/hostile';
import { unfinishedConversion } from './abandon.ts';
import { decryptImage } from './decrypt.ts';
import { encryptImage } from './encrypt.ts';
import { type OldImage, steps } from './task.ts';
import { makeImage, sampleOptions } from './testing/images.ts';
import { scratch } from './testing/sample.ts';

const size = 6 << 20;
const killed = new URL('./testing/killed.ts', import.meta.url).pathname;
const childArguments = (image: string, replace: OldImage, workers: number, moment: string, how: string) => [
  killed,
  image,
  replace,
  String(workers),
  moment,
  how,
];

/** The image under its name is the plain one, or one that decrypts to it: nothing is lost. */
async function assertWhole(image: string, plain: Buffer, scratchName: string): Promise<'plain' | 'encrypted'> {
  if (readFileSync(image).equals(plain)) return 'plain';
  await decryptImage({ ...sampleOptions(image, { target: scratchName }) });
  assert.ok(readFileSync(scratchName).equals(plain));
  return 'encrypted';
}

async function resumeAndCompare(image: string, replace: OldImage, plain: Buffer, scratchName: string): Promise<void> {
  if (unfinishedConversion({ source: image, into: { replace } }) !== undefined || readFileSync(image).equals(plain))
    await encryptImage({ ...sampleOptions(image, { replace }), checkpoint: 1 << 20 });
  assert.equal(await assertWhole(image, plain, scratchName), 'encrypted');
  const left = readdirSync(dirname(image)).sort();
  assert.deepEqual(left, replace === 'keep' ? ['disk', 'disk.luks-old'] : ['disk']);
}

const afterRename = new Set<string>(steps.slice(steps.indexOf('renamed')));

for (const [replace, moments] of [
  ['unlink', steps],
  ['overwrite', ['kept', 'renamed', 'old-gone']],
  ['keep', ['kept', 'renamed', 'old-gone']],
] as const) {
  for (const moment of moments) {
    test(`killed at step ${moment}, old image: ${replace}`, async (t) => {
      const at = scratch(t);
      const other = scratch(t);
      const plain = readFileSync(makeImage(at('disk'), size));
      const child = spawnSync(process.execPath, childArguments(at('disk'), replace, 0, moment, 'kill'));
      assert.equal(child.signal, 'SIGKILL', String(child.stderr));
      assert.equal(await assertWhole(at('disk'), plain, other('now')), afterRename.has(moment) ? 'encrypted' : 'plain');
      await resumeAndCompare(at('disk'), replace, plain, other('then'));
    });
  }
}

test('killed 12 times at seeded moments, with 0, 1 and 2 threads at work', async (t) => {
  const random = seeded(9);
  for (let run = 0; run < 12; run++) {
    const at = scratch(t);
    const other = scratch(t);
    const plain = readFileSync(makeImage(at('disk'), size, run));
    const moment = `chunk-${1 + Math.floor(random() * 6)}`;
    const child = spawnSync(process.execPath, childArguments(at('disk'), 'unlink', run % 3, moment, 'kill'));
    assert.equal(child.signal, 'SIGKILL', String(child.stderr));
    assert.equal(await assertWhole(at('disk'), plain, other('now')), 'plain');
    await resumeAndCompare(at('disk'), 'unlink', plain, other('then'));
  }
});

test('killed from outside at seeded times, over and over, until it is done', async (t) => {
  const random = seeded(10);
  const at = scratch(t);
  const other = scratch(t);
  const plain = readFileSync(makeImage(at('disk'), size));
  for (let run = 0; run < 8; run++) {
    const child = spawn(process.execPath, childArguments(at('disk'), 'overwrite', 2, 'never', 'kill'), {
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await Promise.race([sleep(100 + random() * 250), ended]);
    child.kill('SIGKILL');
    await ended;
    const now = await assertWhole(at('disk'), plain, other(`now-${run}`));
    // Done: a further child would only be refused, and killed in that moment leave a journal that says nothing.
    const options = { source: at('disk'), into: { replace: 'overwrite' } } as const;
    if (now === 'encrypted' && unfinishedConversion(options) === undefined) break;
  }
  await resumeAndCompare(at('disk'), 'overwrite', plain, other('then'));
});

test('a second converter is kept away while the first lives, and takes over when it is killed', async (t) => {
  const at = scratch(t);
  const plain = readFileSync(makeImage(at('disk'), size));
  const child = spawn(process.execPath, childArguments(at('disk'), 'unlink', 0, 'chunk-4', 'wait'));
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const options = sampleOptions(at('disk'), { replace: 'unlink' });
  await assert.rejects(encryptImage(options), { code: 'conversion.busy' });
  assert.throws(() => unfinishedConversion(options), { code: 'conversion.busy' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  await resumeAndCompare(at('disk'), 'unlink', plain, scratch(t)('then'));
});
