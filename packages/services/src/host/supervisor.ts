import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@vouchsafe/domain/problem';
import type { Logger } from 'pino';

/** How to start a part as a child. */
export interface ChildCommand {
  readonly part: string;
  readonly argv: readonly [string, ...string[]];
  /** File that takes its standard output and error. */
  readonly log: string;
}

interface Child {
  readonly command: ChildCommand;
  /** It is stopped on purpose. */
  planned: boolean;
  process: ChildProcess | undefined;
  ready: boolean;
  failures: number;
}

const startTimeout = 60_000;
const stopTimeout = 5_000;
const longestPause = 30_000;

/** Starts the parts of a host, starts them again when they end, and stops them. */
export class Supervisor {
  readonly #children: Child[] = [];
  readonly #log: Logger;
  #stopping = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Starts all parts at once and waits until each says that it is ready. @throws {Problem} `host.not-ready` */
  async start(commands: readonly ChildCommand[]): Promise<void> {
    await Promise.all(
      commands.map(async (command) => {
        const child: Child = { command, planned: false, process: undefined, ready: false, failures: 0 };
        this.#children.push(child);
        await this.#launch(child);
      }),
    );
  }

  /** State of each part, for `host status`. */
  status(): { part: string; pid: number | undefined; ready: boolean; restarts: number }[] {
    return this.#children.map(({ command, process, ready, failures }) => ({
      part: command.part,
      pid: process?.pid,
      ready,
      restarts: failures,
    }));
  }

  /** Stops all parts and starts them again, for instance with certificates of another group. @throws {Problem} `host.not-ready` */
  async restart(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        child.planned = true;
        if (child.process !== undefined) await stopOne(child.process);
        child.planned = false;
        await this.#launch(child);
      }),
    );
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#children.map(({ process }) => process && stopOne(process)));
  }

  #launch(child: Child): Promise<void> {
    const { part, argv, log } = child.command;
    const output = openSync(log, 'a', 0o600);
    const [file, ...args] = argv;
    const started = spawn(file, args, { stdio: ['ignore', output, output, 'ipc'], env: cleanEnvironment() });
    closeSync(output);
    child.process = started;
    const ready = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Problem('host.not-ready', `${part} is not ready after ${startTimeout / 1000} s; see ${log}`)),
        startTimeout,
      );
      started.once('message', () => {
        child.ready = true;
        resolve();
      });
      started.once('error', reject);
      started.once('exit', (code, signal) => {
        child.ready = false;
        reject(new Problem('host.not-ready', `${part} ended with ${signal ?? `exit code ${code}`}; see ${log}`));
      });
      started.once('exit', () => clearTimeout(timer));
      started.once('message', () => clearTimeout(timer));
    });
    started.once('exit', (code, signal) => void this.#restart(child, code, signal));
    return ready;
  }

  async #restart(child: Child, code: number | null, signal: string | null): Promise<void> {
    if (this.#stopping || child.planned) return;
    child.failures++;
    const pause = Math.min(longestPause, 250 * 2 ** Math.min(child.failures, 7));
    this.#log.warn({ part: child.command.part, code, signal, pause }, 'part ended, starting it again');
    await sleep(pause, undefined, { ref: false });
    if (!this.#stopping) await this.#launch(child).catch(() => undefined);
  }
}

const passed = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'LC_ALL'];

/** Nothing that would load code, open a debugger or change what TLS believes reaches a part: only these names do. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = (name: string) => passed.includes(name) || name.startsWith('VOUCHSAFE_');
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept(name)));
}

async function stopOne(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeout);
  await ended;
  clearTimeout(timer);
}
