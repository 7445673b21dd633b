import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { TestingError } from './error.ts';

/** What a finished command left behind. */
export interface CommandResult {
  /** Exit status; 128 + signal number when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Standard input; without it the command reads an end of file at once. */
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** After this time the command is killed. */
  readonly timeoutMs?: number;
}

/** The program and its arguments; no shell is involved. */
export type Argv = readonly [string, ...string[]];

const outputLimit = 64 * 1024 * 1024;

/**
 * Runs a command to its end, whatever its exit status.
 * @throws {TestingError} `command-missing` when there is no such program
 */
export function run([program, ...args]: Argv, options: CommandOptions = {}): Promise<CommandResult> {
  const { input = '', timeoutMs, ...rest } = options;
  const stdin = inputFile(input);
  const child = spawn(program, args, {
    ...rest,
    stdio: [stdin, 'pipe', 'pipe'],
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' }),
  });
  closeSync(stdin);
  const [stdout, stderr] = [collect(child.stdout!), collect(child.stderr!)];
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(missing(program, cause)));
    child.once('close', (code, signal) => {
      resolve({ code: code ?? 128 + constants.signals[signal!], stdout: stdout(), stderr: stderr() });
    });
  });
}

/**
 * A file without a name, in memory: programs may open `/dev/stdin` again, which they cannot do with the sockets that
 * Node makes of pipes, and secrets reach no disk.
 */
function inputFile(input: string | Uint8Array): number {
  const path = `/dev/shm/vouchsafe-input-${process.pid}-${randomUUID()}`;
  const writing = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(writing, input);
    return openSync(path, 'r');
  } finally {
    closeSync(writing);
    unlinkSync(path);
  }
}

/** Keeps what a stream says, up to a limit; the rest is dropped. */
function collect(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= outputLimit) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/**
 * Runs a command that has to succeed and returns its standard output.
 * @throws {TestingError} `command-failed` with the end of what it said, or `command-missing`
 */
export async function must(argv: Argv, options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(argv, options);
  if (code !== 0) {
    const said = (stderr.trim() || stdout.trim()).split('\n').slice(-5).join('; ');
    throw new TestingError('command-failed', `${argv.slice(0, 3).join(' ')}: exit status ${code}: ${said}`);
  }
  return stdout;
}

const missing = (program: string, cause: Error): TestingError =>
  new TestingError('command-missing', `${program}: no such program; install the Debian packages first`, { cause });
