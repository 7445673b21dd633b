import { type Argv, type CommandOptions, type CommandResult, run } from './command.ts';
import { Daemon, type DaemonOptions } from './daemon.ts';

/** The environment of programs inside: nothing of ours leaks in. */
const environment: NodeJS.ProcessEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C',
};

/**
 * Processes with mounts, host name, System V IPC and process ids of their own; the network is the machine's.
 * Everything in it ends when its first process does, and that one ends when we do. Needs root.
 */
export class Namespace implements AsyncDisposable {
  /** Number of its first process as seen from here. */
  readonly pid: number;
  readonly #first: Daemon;

  private constructor(first: Daemon, pid: number) {
    this.#first = first;
    this.pid = pid;
  }

  /**
   * @param init path of the shell script that is its first process: it has to reap orphans and never to end
   * @param log file for what it prints
   */
  static async start(init: string, log: string): Promise<Namespace> {
    const flags = ['--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child'] as const;
    const argv = ['unshare', ...flags, '--', '/bin/sh', init] as const;
    const first = await Daemon.start(argv, { name: 'namespace', log, wrapper: true, env: environment, cwd: '/' });
    const pid = first.target();
    if (pid === undefined) {
      await first.ended;
      await first.mustRun();
    }
    return new Namespace(first, pid!);
  }

  get running(): boolean {
    return this.#first.running;
  }

  /** @throws {TestingError} `not-ready` with what its first process said when it ended */
  mustRun(): Promise<void> {
    return this.#first.mustRun();
  }

  /** Runs a command inside to its end. */
  exec(argv: Argv, options: CommandOptions = {}): Promise<CommandResult> {
    return run(this.#enter(argv), { ...options, env: { ...environment, ...options.env } });
  }

  /** Starts a program inside that runs on. */
  spawn(argv: Argv, options: DaemonOptions): Promise<Daemon> {
    return Daemon.start(this.#enter(['setpriv', '--pdeathsig', 'KILL', '--', ...argv]), {
      name: argv[0],
      ...options,
      env: { ...environment, ...options.env },
      wrapper: true,
    });
  }

  /** A path inside as it is reached from here. */
  path(inside: string): string {
    return `/proc/${this.pid}/root${inside}`;
  }

  signal(signal: NodeJS.Signals): void {
    this.#first.signal(signal);
  }

  /** Ends everything inside at once. */
  async kill(): Promise<void> {
    await this.#first.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #enter(argv: Argv): Argv {
    return ['nsenter', '--target', String(this.pid), '--mount', '--uts', '--ipc', '--pid', '--', ...argv];
  }
}
