import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensurePackages } from '@vouchsafe/testing/debian';
import { say } from './output.ts';

const home = resolve(import.meta.dirname, '../../..');
const architectures: Readonly<Record<string, string>> = { x64: 'x64', arm64: 'arm64' };

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What is checked before the tests, in this order. */
const checks: readonly (readonly [name: string, argv: readonly string[]])[] = [
  [
    'format and lint',
    [`node_modules/@biomejs/cli-linux-${architectures[process.arch]}/biome`, 'ci', '--reporter=summary', '.'],
  ],
  ['types', [process.execPath, 'node_modules/typescript/bin/tsc', '-p', '.']],
];

/** Packages without I/O: their tests share one process. */
const pure = ['bytes', 'domain', 'eventlog'];

/** Runs everything and gives the exit code. The last line is the count alone. */
export async function runTests(files: readonly string[]): Promise<number> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (files.length === 0) {
    await ensurePackages('test', say);
    for (const [name, argv] of checks) count(counts, name, await run(argv));
  }
  const all =
    files.length > 0
      ? files
      : globSync(['packages/*/src/**/*.test.ts', 'deploy/**/*.test.ts', 'fuzz/*.test.ts'], { cwd: home }).toSorted();
  const isPure = (file: string) => pure.some((name) => file.startsWith(`packages/${name}/`));
  await nodeTests(all.filter(isPure), ['--test-isolation=none'], counts);
  await nodeTests(
    all.filter((file) => !isPure(file)),
    ['--test-concurrency=2'],
    counts,
  );
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  return counts.failed === 0 ? 0 : 1;
}

function count(counts: Counts, name: string, code: number): void {
  say(`${name}: ${code === 0 ? 'ok' : 'FAILED'}`);
  if (code === 0) counts.passed++;
  else counts.failed++;
}

async function nodeTests(files: readonly string[], options: readonly string[], counts: Counts): Promise<void> {
  if (files.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'vouchsafe-test-'));
  const report = join(folder, 'counts.json');
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(import.meta.dirname, 'test-counts.ts')}`,
    `--test-reporter-destination=${report}`,
  ];
  try {
    const code = await run([process.execPath, '--disable-sigusr1', '--test', ...options, ...reporters, ...files]);
    const found = JSON.parse(readFileSync(report, 'utf8')) as Counts;
    counts.passed += found.passed;
    counts.skipped += found.skipped;
    // A run that ends badly without a failed test has failed as well.
    counts.failed += Math.max(found.failed, code === 0 ? 0 : 1);
  } catch (error) {
    say(`the test run left no count: ${(error as Error).message}`);
    counts.failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run([file = '', ...args]: readonly string[]): Promise<number> {
  return new Promise((done) => {
    const child = spawn(file, args, { cwd: home, stdio: 'inherit' });
    child.once('error', (error) => {
      say(`${file}: ${error.message}`);
      done(1);
    });
    child.once('exit', (code) => done(code ?? 1));
  });
}
