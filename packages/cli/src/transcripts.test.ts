import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';

/**
 * Plays the transcripts in testdata/transcripts. In them `# ` is a remark, `>> NAME` begins a file that ends with `<<`,
 * `$ vouchsafe ...` is a command; below it stand the lines of its standard output, those of its standard error behind
 * `! `, and its exit code behind `= ` where it is not 0. A line `...` stands for any lines, `[...]` for any text in one.
 * Commands run in a folder of their own, in which `boots` are the recorded boots of the repository.
 */
const transcripts = resolve(import.meta.dirname, 'testdata/transcripts');
const boots = resolve(import.meta.dirname, '../../testing/src/testdata/boots');
const main = resolve(import.meta.dirname, 'main.ts');

suite('transcripts', { concurrency: 2 }, () => {
  for (const name of readdirSync(transcripts)) {
    test(name, async () => await play(readFileSync(join(transcripts, name), 'utf8')));
  }
});

interface Step {
  readonly command: string;
  readonly out: string[];
  readonly err: string[];
  code: number;
}

async function play(text: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vouchsafe-transcript-'));
  try {
    symlinkSync(boots, join(folder, 'boots'));
    const { files, steps } = parse(text);
    for (const [name, content] of files) writeFileSync(join(folder, name), content);
    assert.ok(steps.length > 0, 'no command');
    for (const step of steps) await compare(step, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function parse(text: string): { files: Map<string, string>; steps: Step[] } {
  const files = new Map<string, string>();
  const withoutFiles = text.replace(/^>> (.+)\n([\s\S]*?)^<<\n/gm, (_, name: string, content: string) => {
    files.set(name, content);
    return '';
  });
  const steps: Step[] = [];
  for (const line of withoutFiles.split('\n').slice(0, -1)) {
    const step = steps.at(-1);
    if (line.startsWith('$ vouchsafe')) steps.push({ command: line.slice(2), out: [], err: [], code: 0 });
    else if (line.startsWith('#') || step === undefined) continue;
    else if (line.startsWith('! ')) step.err.push(line.slice(2));
    else if (line.startsWith('= ')) step.code = Number(line.slice(2));
    else step.out.push(line);
  }
  return { files, steps };
}

async function compare({ command, out, err, code }: Step, folder: string): Promise<void> {
  const actual = await run(command.split(' ').slice(1), folder);
  for (const [stream, expected, got] of [
    ['standard output', out, actual.out],
    ['standard error', err, actual.err],
  ] as const) {
    if (!matches(expected, got)) assert.deepEqual(got, expected, `${stream} of ${command}`);
  }
  assert.equal(actual.code, code, `exit code of ${command}`);
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

function run(args: string[], cwd: string): Promise<{ out: string[]; err: string[]; code: number }> {
  const { VOUCHSAFE_OUTPUT: _output, VOUCHSAFE_RUN: _run, FORCE_COLOR: _color, ...env } = process.env;
  return new Promise((done) => {
    execFile(process.execPath, [main, ...args], { cwd, env, maxBuffer: 64 * 2 ** 20 }, (error, out, err) =>
      done({ out: lines(out), err: lines(err), code: Number(error?.code ?? 0) }),
    );
  });
}

function matches([first, ...rest]: readonly string[], got: readonly string[]): boolean {
  if (first === undefined) return got.length === 0;
  if (first === '...') return got.some((_, at) => matches(rest, got.slice(at))) || matches(rest, []);
  return got[0] !== undefined && pattern(first).test(got[0]) && matches(rest, got.slice(1));
}

const pattern = (line: string): RegExp => new RegExp(`^${line.split('[...]').map(escaped).join('.*')}$`);
const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
