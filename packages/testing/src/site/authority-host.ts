import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon } from '../daemon.ts';
import { until } from '../wait.ts';
import { callPart } from './part-call.ts';
import { vouchsafe } from './program.ts';

export interface AuthorityHostOptions {
  readonly name: string;
  readonly folder: string;
  /** `HOST:PORT` of its proxy. */
  readonly listen: string;
  /** How others reach its proxy when that is not where it listens. */
  readonly url?: string;
  /** The program that it runs; this repository's unless given. */
  readonly program?: typeof vouchsafe;
}

/** A Trust Authority host: the part `host` with attestd, kmxd and the proxy as its children. */
export class AuthorityHost implements AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** Folder of its sockets. */
  readonly run: string;
  readonly #folder: string;
  readonly #program: typeof vouchsafe;
  #daemon: Daemon | undefined;

  private constructor({ name, folder, listen, url = `https://${listen}`, program = vouchsafe }: AuthorityHostOptions) {
    this.name = name;
    this.#folder = folder;
    this.#program = program;
    this.url = url;
    this.run = join(folder, 'run');
  }

  /** Writes its configuration and starts it. @throws {TestingError} */
  static async start(options: AuthorityHostOptions): Promise<AuthorityHost> {
    const host = new AuthorityHost(options);
    const { folder, name, listen } = options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const config = {
      role: 'trust-authority',
      name,
      state: join(folder, 'state'),
      run: host.run,
      listen,
      url: host.url,
    };
    await writeFile(join(folder, 'host.toml'), toml(config));
    await host.start();
    return host;
  }

  /** Starts it again after `stop`; what it was told is still there. */
  async start(): Promise<void> {
    const log = join(this.#folder, 'host.log');
    this.#daemon = await Daemon.start(this.#program('serve', 'host', '--config', join(this.#folder, 'host.toml')), {
      name: `host ${this.name}`,
      log,
    });
    await partsReady(this.#daemon, this.run, this.name);
  }

  /** Stops all of its processes where they stand, as a host that hangs. @returns lets them go on */
  async pause(): Promise<() => void> {
    const pids = await this.#pids();
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    return () => {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    };
  }

  /** Ends all of its processes at once, as a power cut. */
  async kill(): Promise<void> {
    const pids = await this.#pids();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await this.#daemon?.ended;
    this.#daemon = undefined;
  }

  /** The host first, so that it starts no part again. */
  async #pids(): Promise<number[]> {
    const { parts } = (await this.call('host', 'GET', '/host/status')) as { parts: { pid: number }[] };
    return [this.#daemon?.pid, ...parts.map(({ pid }) => pid)].filter((pid) => pid !== undefined);
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop(10_000);
    this.#daemon = undefined;
  }

  call(
    part: 'attestd' | 'kmxd' | 'host',
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<unknown> {
    return callPart(this.run, part, method, path, body);
  }

  /** The group CA, PEM. */
  groupCa(): Promise<string> {
    return readFile(join(this.#folder, 'state/group-ca.pem'), 'utf8');
  }

  async group(): Promise<string> {
    return ((await this.call('host', 'GET', '/host/status')) as { group: string }).group;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Waits until the part `host` says that all its parts are ready. @throws {TestingError} */
export async function partsReady(daemon: Daemon, run: string, name: string): Promise<void> {
  await until(`parts of host ${name}`, 60_000, async () => {
    await daemon.mustRun();
    const status = await callPart(run, 'host', 'GET', '/host/status').catch(() => undefined);
    const { parts = [] } = (status ?? {}) as { parts?: { ready: boolean }[] };
    return (parts.length > 0 && parts.every(({ ready }) => ready)) || undefined;
  });
}

/** Flat TOML, with one level of tables. */
export function toml(value: Readonly<Record<string, string | Readonly<Record<string, string>>>>): string {
  const line = ([key, each]: [string, unknown]) => `${key} = ${JSON.stringify(each)}\n`;
  const entries = Object.entries(value);
  const tables = entries.filter(([, each]) => typeof each === 'object');
  const plain = entries.filter(([, each]) => typeof each !== 'object').map(line);
  return [...plain, ...tables.map(([name, table]) => `\n[${name}]\n${Object.entries(table).map(line).join('')}`)].join(
    '',
  );
}
