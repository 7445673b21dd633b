import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { abandonConversion, unfinishedConversion } from './abandon.ts';
import { decryptImage } from './decrypt.ts';
import { type EncryptOptions, encryptImage } from './encrypt.ts';
import { writeAt } from './file.ts';
import { holdsMarker, makeImage, sampleOptions } from './testing/images.ts';
import { sampleKeys, scratch } from './testing/sample.ts';

const MiB = 1 << 20;
const replace = { replace: 'unlink' } as const;
const namesIn = (path: string) => readdirSync(dirname(path)).sort();

/** Begins a conversion and aborts it after `chunks` of its 6. */
async function interrupted(t: TestContext, chunks = 3, workers = 1): Promise<EncryptOptions> {
  const options = { ...sampleOptions(makeImage(scratch(t)('disk'), 6 * MiB), replace), workers };
  const abort = new AbortController();
  let seen = 0;
  const onProgress = () => (++seen === chunks ? abort.abort(new Error('enough')) : undefined);
  await assert.rejects(encryptImage({ ...options, onProgress, signal: abort.signal }), /enough/);
  return options;
}

for (const workers of [0, 1, 3]) {
  test(`an aborted conversion goes on where it was: ${workers} workers`, async (t) => {
    const options = await interrupted(t, 3, workers);
    assert.ok(holdsMarker(options.source));
    const state = unfinishedConversion(options);
    assert.equal(state?.phase, 'copying');
    const result = await encryptImage(options);
    assert.equal(result.resumedAt, state?.done);
    assert.ok(workers !== 0 || result.resumedAt === 3 * MiB);
    assert.ok(!holdsMarker(options.source));
    assert.deepEqual(namesIn(options.source), ['disk']);
  });
}

test('an abort before the start does nothing', async (t) => {
  const options = sampleOptions(makeImage(scratch(t)('disk'), MiB), replace);
  await assert.rejects(encryptImage({ ...options, signal: AbortSignal.abort(new Error('early')) }), /early/);
  assert.ok(holdsMarker(options.source));
  assert.deepEqual((await encryptImage(options)).resumedAt, 0);
});

const touched = (path: string) => utimesSync(path, 1, 1);
const otherKeys = sampleKeys(7);
const refusals: [
  name: string,
  change: (options: EncryptOptions) => Partial<EncryptOptions> | undefined,
  code: string,
][] = [
  ['another volume key', () => ({ volumeKey: otherKeys.volumeKey }), 'key.wrong'],
  ['another passphrase', () => ({ passphrase: otherKeys.passphrase }), 'passphrase.wrong'],
  ['another uuid', () => ({ uuid: '00000000-0000-4000-8000-000000000000' }), 'key.wrong'],
  ['an image changed meanwhile', ({ source }) => void touched(source), 'journal.other'],
  ['an image that was cut', ({ source }) => void truncateSync(source, 5 * MiB), 'journal.other'],
  ['a copy put in by someone else', ({ source }) => void swap(`${source}.luks-part`), 'journal.other'],
  ['a copy that was cut', ({ source }) => void truncateSync(`${source}.luks-part`, 3 * MiB), 'journal.other'],
  [
    'a journal with nonsense',
    ({ source }) => void scribble(`${source}.luks-journal`, '{"version":2}'),
    'journal.malformed',
  ],
  [
    'a journal without its object',
    ({ source }) => void scribble(`${source}.luks-journal`, 'null'),
    'journal.malformed',
  ],
];
for (const [name, change, code] of refusals) {
  test(`resuming with ${name} is refused; abandoned, it begins anew`, async (t) => {
    const options = await interrupted(t);
    await assert.rejects(encryptImage({ ...options, ...change(options) }), { code });
    abandonConversion(options);
    assert.deepEqual(namesIn(options.source), ['disk']);
    assert.equal((await encryptImage(options)).resumedAt, 0);
  });
}

function swap(path: string): void {
  copyFileSync(path, `${path}.2`);
  renameSync(`${path}.2`, path);
}

function scribble(path: string, state: string): void {
  const db = new DatabaseSync(path);
  db.prepare('update conversion set state = ?').run(state);
  db.close();
}

test('a resumption with another key touches nothing: the right one still goes on', async (t) => {
  const options = await interrupted(t, 3, 0);
  await assert.rejects(encryptImage({ ...options, volumeKey: otherKeys.volumeKey }), { code: 'key.wrong' });
  const result = await encryptImage({ ...options, verify: 'full' });
  assert.equal(result.resumedAt, 3 * MiB);
});

test('a copy that is gone is not made anew behind a journal that says it is half done', async (t) => {
  const options = await interrupted(t);
  rmSync(`${options.source}.luks-part`);
  await assert.rejects(encryptImage(options), { code: 'journal.other' });
});

test('an abort stops the threads, whatever they are at', { timeout: 60_000 }, async (t) => {
  // Does one chunk, then waits for the counter to say that there is no more to do.
  const source = `const { parentPort, workerData } = require('node:worker_threads');
    parentPort.postMessage({ chunk: 0 });
    const next = new Int32Array(workerData.next);
    while (Atomics.load(next, 0) < 6) Atomics.wait(next, 0, 0, 10);`;
  const options = sampleOptions(makeImage(scratch(t)('disk'), 6 * MiB), replace);
  const abort = new AbortController();
  const onProgress = () => abort.abort(new Error('enough'));
  await assert.rejects(encryptImage({ ...options, worker: { source }, onProgress, signal: abort.signal }), /enough/);
  assert.equal(unfinishedConversion(options)?.done, MiB);
});

test('an unfinished encryption is not taken for a decryption', async (t) => {
  const options = await interrupted(t);
  await assert.rejects(decryptImage(options), {
    code: 'journal.other',
    message: /unfinished conversion is to encrypt/,
  });
});

test('an image written to during the conversion is not replaced', async (t) => {
  const options = sampleOptions(makeImage(scratch(t)('disk'), 2 * MiB), replace);
  const onStep = (step: string) => (step === 'data' ? touched(options.source) : undefined);
  await assert.rejects(encryptImage({ ...options, onStep }), { code: 'source.changed' });
  assert.ok(holdsMarker(options.source));
  assert.deepEqual(namesIn(options.source), ['disk']);
});

for (const verify of ['sample', 'full'] as const) {
  test(`a copy that the disk did not keep is found: ${verify}`, async (t) => {
    const options = { ...sampleOptions(makeImage(scratch(t)('disk'), 2 * MiB), replace), verify };
    const onStep = (step: string) => (step === 'data' ? damage(`${options.source}.luks-part`) : undefined);
    await assert.rejects(encryptImage({ ...options, onStep }), {
      code: 'target.differs',
      message: /differs .* in MiB 1/,
    });
    assert.ok(holdsMarker(options.source));
    assert.deepEqual(namesIn(options.source), ['disk']);
  });
}

function damage(path: string): void {
  const file = openSync(path, 'r+');
  writeAt(file, Uint8Array.of(1, 2, 3), 2068480 + MiB + 700);
  closeSync(file);
}

test('two conversions of one image in one process: the second is refused', async (t) => {
  const options = sampleOptions(makeImage(scratch(t)('disk'), 2 * MiB), replace);
  const first = encryptImage(options);
  await assert.rejects(encryptImage(options), { code: 'conversion.busy' });
  await first;
  assert.ok(!holdsMarker(options.source));
});

/** A file system of its own, so small that it can be filled. */
function smallDisk(t: TestContext, size: string): ((name: string) => string) | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'luks-disk-'));
  t.after(() => {
    spawnSync('umount', ['-l', directory]);
    rmdirSync(directory);
  });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory]).status === 0)
    return (name) => join(directory, name);
  t.skip('mounting a tmpfs needs root');
  return undefined;
}

test('too small a disk is refused before anything is written', async (t) => {
  const at = smallDisk(t, '8m');
  if (at === undefined) return;
  const options = sampleOptions(makeImage(at('image'), 6 * MiB), replace);
  await assert.rejects(encryptImage(options), { code: 'target.space', message: /8359936 bytes needed, \d+ free/ });
  assert.deepEqual(namesIn(options.source), ['image']);
});

test('a disk that fills up meanwhile: one sentence, the image stays, the copy goes', async (t) => {
  const at = smallDisk(t, '24m');
  if (at === undefined) return;
  const options = { ...sampleOptions(makeImage(at('image'), 8 * MiB), replace), workers: 2 };
  const onStep = (step: string) => (step === 'copy' ? fill(at('filler')) : undefined);
  await assert.rejects(encryptImage({ ...options, onStep }), {
    code: 'target.full',
    message: /no space left; the copy was removed/,
  });
  assert.ok(holdsMarker(options.source));
  assert.equal(statSync(options.source).size, 8 * MiB);
  assert.deepEqual(namesIn(options.source), ['filler', 'image']);
  truncateSync(at('filler'), 0);
  await encryptImage(options);
  assert.ok(!readFileSync(options.source).includes('the marker'));
});

function fill(path: string): void {
  assert.throws(() => writeFileSync(path, new Uint8Array(24 * MiB)), { code: 'ENOSPC' });
  truncateSync(path, statSync(path).size - 2 * MiB);
}

test('an error of the operating system is said in our words, and the copy can be resumed', async (t) => {
  const options = await interrupted(t);
  renameSync(`${options.source}.luks-part`, `${options.source}.aside`);
  await assert.rejects(encryptImage(options), { code: 'journal.other' });
  renameSync(`${options.source}.aside`, `${options.source}.luks-part`);
  const broken = { ...options, onStep: (step: string) => (step === 'kept' ? mkdirOver(options.source) : undefined) };
  await assert.rejects(encryptImage(broken), {
    code: 'disk.failed',
    message: /nothing is lost: EISDIR|EEXIST|ENOTEMPTY/,
  });
});

/** Puts a directory where the image was: the rename must fail. */
function mkdirOver(path: string): void {
  renameSync(path, `${path}.aside`);
  mkdirSync(path);
}
