import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { concat } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { Problem } from '@vouchsafe/domain/problem';
import { problem } from '@vouchsafe/domain/testing/problem';
import { filesOfTar } from './package-files.ts';
import { choose, packagesIn } from './packages-index.ts';
import { paragraphs } from './paragraphs.ts';
import { readRelease } from './release.ts';
import { readTar } from './tar.ts';
import { readWanted } from './wanted.ts';

const execute = promisify(execFile);
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const now = new Date('2026-06-01');

test('paragraphs: fields, continued lines, remarks', () => {
  const text = 'A: 1\nB:\n 2\n 3\n# remark\nC: 4\n\n\nA: 5\r\n';
  assert.deepEqual(
    [...paragraphs('x', text)].map((each) => [...each]),
    [
      [
        ['a', '1'],
        ['b', '\n2\n3'],
        ['c', '4'],
      ],
      [['a', '5']],
    ],
  );
  for (const [bad, message] of [
    [' a\n', /line 1: goes on/],
    ['A: 1\nnothing\n', /line 2: expected FIELD: VALUE/],
    ['A: 1\na: 2\n', /line 2: field a stands there twice/],
    [`A: ${'x'.repeat(5_000_000)}\n`, /line 1: a paragraph of more than/],
  ] as const) {
    assert.throws(
      () => [...paragraphs('x', bad)],
      (e) => e instanceof Problem && message.test(e.message),
    );
  }
});

test('a Release file: the right suite, in its time, with hashes that are some', () => {
  const text = `Suite: stable\nCodename: frog\nDate: x\nComponents: main contrib\nSHA256:\n ${'ab'.repeat(32)}  12 main/a\n`;
  const { files, components, byHash } = readRelease(text, 'frog', now);
  assert.deepEqual([files.get('main/a')?.size, components, byHash], [12, ['main', 'contrib'], false]);
  assert.throws(() => readRelease(text, 'toad', now), problem('archive.untrusted'));
  assert.throws(() => readRelease(text.replace('Date: x\n', ''), 'frog', now), problem('input.malformed'));
  assert.throws(() => readRelease(`Valid-Until: never\n${text}`, 'frog', now), problem('archive.untrusted'));
  assert.throws(() => readRelease(text.replace('abab', 'xx'), 'frog', now), problem('input.malformed'));
});

test('what is wanted: lines of dpkg-query, names, or a status file', () => {
  assert.deepEqual(readWanted('w', 'a-b\t1:2~3-4\nc+d:i386 5\n# no\n\nee\n'), [
    { name: 'a-b', version: '1:2~3-4', architecture: undefined },
    { name: 'c+d', version: '5', architecture: 'i386' },
    { name: 'ee', version: undefined, architecture: undefined },
  ]);
  const status =
    'Package: aa\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\nPackage: bb\nStatus: deinstall ok config-files\nVersion: 2\n';
  assert.deepEqual(readWanted('w', status), [{ name: 'aa', version: '1', architecture: 'all' }]);
  for (const bad of ['A\n', 'a b c\n', 'aa ../x\n', '../x\n'])
    assert.throws(() => readWanted('w', bad), problem('input.malformed'));
  assert.throws(() => readWanted('w', '# none\n'), problem('input.invalid'));
});

test('an index gives what is wanted of it, of the right architecture', () => {
  const row = (name: string, version: string, architecture: string) =>
    `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nFilename: pool/${name}\nSize: 5\nSHA256: ${version.padStart(64, '0')}\n`;
  const text = [row('aa', '1', 'amd64'), row('aa', '2', 'i386'), row('bb', '3', 'all'), row('cc', '4', 'amd64')].join(
    '\n',
  );
  const found = [...packagesIn('i', text, new Set(['aa', 'bb']))];
  assert.deepEqual(
    found.map(({ version }) => version),
    ['1', '2', '3'],
  );
  const chosen = choose(readWanted('w', 'aa\nbb:amd64 3\naa 9\n'), found, 'amd64');
  assert.deepEqual(
    chosen.found.map(({ version }) => version),
    ['1', '3'],
  );
  assert.deepEqual(
    chosen.missing.map(({ version }) => version),
    ['9'],
  );
  const broken = row('aa', '1', 'amd64').replace('Size: 5', 'Size: -');
  assert.throws(() => [...packagesIn('i', broken, new Set(['aa']))], problem('input.malformed'));
});

/** A real archive of GNU tar in one of its formats. */
async function tarOf(format: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-tar-'));
  try {
    await writeFile(join(folder, 'short'), 'short');
    await writeFile(join(folder, 'ä'.repeat(100)), 'long');
    await execute('ln', [join(folder, 'short'), join(folder, 'zz-link')]);
    const args = ['--sort=name', `--format=${format}`, '-C', folder, '-cf', '-', '.'];
    return (await execute('tar', args, { encoding: 'buffer' })).stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* inPieces(whole: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

test('archives of GNU tar in every format, however they come in pieces', async () => {
  for (const format of ['gnu', 'pax', 'posix']) {
    const archive = new Uint8Array(await tarOf(format));
    const expected = ['/short', `/${'ä'.repeat(100)}`, '/zz-link'].toSorted();
    for (const size of [archive.length, 512, 333, 1]) {
      const { lines } = await filesOfTar(inPieces(archive, size));
      assert.deepEqual(lines.map(({ path }) => path).toSorted(), expected, `${format} ${size}`);
      assert.equal(new Set(lines.map(({ digest }) => digest)).size, 2);
    }
  }
});

test('archives that are none are refused by byte', async () => {
  const archive = new Uint8Array(await tarOf('gnu'));
  const patched = (at: number, text: string) => {
    const copy = archive.slice();
    copy.set(bytes(text), at);
    const sum = copy.subarray(0, 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    copy.set(bytes(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
    return copy;
  };
  const read = (whole: Uint8Array) => readTar(inPieces(whole, 4096), () => undefined);
  await assert.rejects(read(archive.slice(0, 700)), /ends \d+ bytes too early/);
  const broken = archive.slice();
  broken[0]! ^= 1;
  await assert.rejects(read(broken), /checksum is wrong \(at byte 0\)/);
  await assert.rejects(read(patched(156, 'S')), /sparse/);
  await assert.rejects(
    read(patched(124, 'zzz')).then(() => read(patched(156, '0').fill(0x7a, 124, 130))),
    /octal|checksum/,
  );
});

test('pax records that are none are refused, and none is read twice', async () => {
  const archive = new Uint8Array(await tarOf('pax'));
  const at = archive.findIndex((_, i) => i % 512 === 156 && archive[i] === 'x'.charCodeAt(0)) - 156;
  const read = async (content: string) => {
    const copy = archive.slice(at);
    copy.set(bytes(`${content.length.toString(8).padStart(11, '0')}\0`), 124);
    const sum = copy.subarray(0, 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    copy.set(bytes(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
    copy.fill(0, 512, 1024).set(bytes(content), 512);
    await readTar(inPieces(copy, 4096), () => undefined);
  };
  await read('9 mtime=\n');
  for (const bad of [
    '9 mtime=\nnospace',
    '0 a=\n',
    ' a=\n',
    '-6 a=b\n',
    '7 a=b\n',
    '5e0 a\n',
    '9 mtime=\n0 \n',
    '99 a=\n',
  ])
    await assert.rejects(read(bad), /a pax record that is none/, JSON.stringify(bad));
});

test('hostile archives end in files or in a clear error', async () => {
  for (const format of ['gnu', 'pax']) {
    const archive = new Uint8Array(await tarOf(format));
    const survive = async (whole: Uint8Array) => {
      try {
        await filesOfTar(inPieces(whole, 4096));
      } catch (error) {
        assert.ok(error instanceof Problem, String(error));
      }
    };
    const cases: Uint8Array[] = [];
    everyTruncation(archive.subarray(0, 1600), (cut) => void cases.push(cut));
    everyBitFlip(archive.subarray(0, 512), (flipped, bit) => {
      if (bit % 5 === 0) cases.push(concat(flipped, archive.subarray(512, 4096)));
    });
    mutations([archive.subarray(0, 4096)], 5, 300, (mutant) => void cases.push(mutant));
    for (const each of cases) await survive(each);
  }
});
