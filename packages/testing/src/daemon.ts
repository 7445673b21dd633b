import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Argv } from './command.ts';
import { TestingError } from './error.ts';
import { until } from './wait.ts';

export interface DaemonOptions {
  /** Name for messages; the program's name otherwise. */
  readonly name?: string;
  /** File that gets standard output and standard error, appended. */
  readonly log: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What it reads first on standard input. */
  readonly input?: string | Uint8Array;
  /** The program that counts is the only child of this one (nsenter, unshare): signals go to the child. */
  readonly wrapper?: boolean;
}

const alive = new Set<Daemon>();

/** Kills every program that still runs, at once; for the moment before this process ends. */
export function killAllDaemons(): void {
  for (const daemon of alive) daemon.signal('SIGKILL');
}

/** A program that runs beside us. The kernel kills it when this process ends, however it ends. */
export class Daemon implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Resolves to the exit status (128 + signal number when a signal ended it); waiting for it keeps nobody alive. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #wrapper: boolean;
  #status: number | undefined;

  private constructor(name: string, child: ChildProcess, pid: number, log: string, wrapper: boolean) {
    this.name = name;
    this.pid = pid;
    this.#child = child;
    this.#log = log;
    this.#wrapper = wrapper;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        alive.delete(this);
        this.#status = code ?? 128 + constants.signals[signal!];
        resolve(this.#status);
      });
    });
  }

  /** Starts the program. @throws {TestingError} `command-missing` */
  static async start(argv: Argv, options: DaemonOptions): Promise<Daemon> {
    const log = openSync(options.log, 'a', 0o600);
    // setpriv becomes the program itself: the process id stays, only the death signal of the parent is new
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['pipe', log, log],
    });
    closeSync(log);
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) =>
        reject(new TestingError('command-missing', 'setpriv: no such program', { cause })),
      );
    });
    // a daemon that was forgotten does not keep us from ending, and our end is its end
    child.unref();
    const daemon = new Daemon(options.name ?? argv[0], child, child.pid!, options.log, options.wrapper ?? false);
    alive.add(daemon);
    // until the wrapper has its child, a signal would go nowhere
    await until(daemon.name, 10_000, () => daemon.target() !== undefined || !daemon.running || undefined, 5);
    return daemon;
  }

  get running(): boolean {
    return this.#status === undefined;
  }

  /** @throws {TestingError} `not-ready` with the end of its log when the program is no longer running */
  async mustRun(): Promise<void> {
    if (this.running) return;
    const said = (await readFile(this.#log, 'utf8')).trim().split('\n').slice(-5).join('; ');
    throw new TestingError('not-ready', `${this.name} ended with status ${this.#status}: ${said}`);
  }

  /** The process that signals go to; undefined when there is none (any more). */
  target(): number | undefined {
    if (!this.running) return undefined;
    return this.#wrapper ? childOf(this.pid) : this.pid;
  }

  /** Sends a signal; a program that has ended gets none. */
  signal(signal: NodeJS.Signals): void {
    const target = this.target();
    if (target === undefined) return;
    try {
      process.kill(target, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Asks the program to end and waits; after `ms` milliseconds it is killed. */
  async stop(ms = 5000): Promise<number> {
    this.#child.ref();
    this.signal('SIGTERM');
    const hard = setTimeout(() => this.signal('SIGKILL'), ms);
    try {
      return await this.ended;
    } finally {
      clearTimeout(hard);
    }
  }

  /** Ends the program without asking. */
  async kill(): Promise<void> {
    this.#child.ref();
    this.signal('SIGKILL');
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** The first child of a process, proc(5). */
function childOf(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  } catch {
    return undefined;
  }
}
