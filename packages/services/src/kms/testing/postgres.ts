import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const programs = '/usr/lib/postgresql/15/bin';

/** Why PostgreSQL cannot be run here; false when it can. */
export const withoutPostgres: string | false = !existsSync(join(programs, 'initdb'))
  ? 'the package postgresql-15 is not installed'
  : process.getuid?.() !== 0 && 'only root can run it as another user';

/** A PostgreSQL server of its own, in a temporary folder. */
export interface Postgres {
  /** For a Unix socket without password. */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
  };
  /** On 127.0.0.1, with the password. */
  readonly port: number;
  readonly passwordFile: string;
  /** Makes an empty database. */
  database(): Promise<string>;
  /** As a power cut does it. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Starts PostgreSQL (Debian package postgresql-15) as the user `postgres`. */
export async function startPostgres(): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  const [data, passwordFile, log] = [join(folder, 'data'), join(folder, 'password'), join(folder, 'log')];
  const [uid, gid] = ['-u', '-g'].map((which) => Number(spawnSync('id', [which, 'postgres']).stdout)) as [
    number,
    number,
  ];
  writeFileSync(passwordFile, 'a password of the test\n');
  mkdirSync(data, { mode: 0o700 });
  for (const path of [folder, data, passwordFile]) chownSync(path, uid, gid);
  const as = ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--'];
  const made = spawnSync('setpriv', [
    ...as,
    ...[join(programs, 'initdb'), '-D', data, '--auth-local=trust', '--auth-host=scram-sha-256'],
    ...['--pwfile', passwordFile, '--locale=C.UTF-8', '--no-sync'],
  ]);
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  let ended: Promise<unknown> = Promise.resolve();
  let pid = 0;
  const connection = { host: folder, port, database: 'postgres', user: 'postgres' };
  const start = async () => {
    const child = spawn(
      'setpriv',
      [
        ...as,
        ...[join(programs, 'postgres'), '-D', data, '-k', folder, '-h', '127.0.0.1', '-p', String(port)],
        ...['-c', 'shared_buffers=32MB', '-c', 'log_destination=stderr', '-c', 'logging_collector=off'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    );
    child.stderr.on('data', (words) => writeFileSync(log, words, { flag: 'a' }));
    ended = new Promise((resolve) => child.once('exit', resolve));
    pid = child.pid!;
    await answering(connection, () => child.exitCode === null, log);
  };
  const kill = async () => {
    // The group: the server has a process for each connection.
    if (pid !== 0) process.kill(-pid, 'SIGKILL');
    pid = 0;
    await ended;
  };
  const close = async () => {
    // It takes its shared memory along only when it may end by itself.
    if (pid !== 0) process.kill(pid, 'SIGQUIT');
    await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
    await kill().catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  };
  let databases = 0;
  const database = async () => {
    const name = `kms${++databases}`;
    const client = new pg.Client(connection);
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    return name;
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return { connection, port, passwordFile, database, kill, start, close };
}

async function answering(connection: pg.ConnectionConfig, alive: () => boolean, log: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const client = new pg.Client(connection);
    try {
      await client.connect();
      return await client.end();
    } catch {
      client.end().catch(() => undefined);
    }
    if (!alive()) break;
    await sleep(50);
  }
  throw new Error(`postgres did not start: ${existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : ''}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
