import { type ChildProcess, spawn } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { type KeyServer, kmipClient } from '@vouchsafe/kmip/client/client';
import type { KmipClientOptions, KmipServer } from '@vouchsafe/kmip/client/options';

const program = '/usr/bin/pykmip-server';

/** Why PyKMIP's server cannot be run here; false when it can. */
export const withoutPykmip: string | false = existsSync(program)
  ? false
  : 'the package python3-pykmip is not installed';

/** PyKMIP's server (Debian package python3-pykmip) on a free port. */
export interface PykmipServer {
  readonly port: number;
  /** The authority of the server, in PEM. */
  readonly ca: string;
  client(name: string): Promise<KeyServer>;
  /** A client certificate that it takes. */
  identity(name: string): Promise<{ certificate: string; key: KeyObject }>;
  close(): Promise<void>;
}

/** Two of them on one SQLite file: what one has, the other has. */
export interface PykmipPair {
  /** A client that prefers the first. */
  client(name: string, options?: Partial<KmipClientOptions>): Promise<KeyServer>;
  /** SIGKILL to a server and to its whole process group. */
  kill(which: 0 | 1): Promise<void>;
  start(which: 0 | 1): Promise<void>;
  close(): Promise<void>;
}

/** Starts the server in a temporary folder with certificates of an authority of its own. */
export async function pykmipServer(): Promise<PykmipServer> {
  const site = await pykmipSite();
  const one = await site.add();
  await startOr(site.close, () => one.start());
  const close = async () => {
    await one.kill();
    site.close();
  };
  return {
    port: one.port,
    ca: site.ca,
    identity: (name) => site.identity(name),
    client: (name) => site.client(name, [one.port], { tryTimeout: 20_000, timeout: 30_000 }),
    close,
  };
}

/** Starts two, the second after the first has made the tables. */
export async function pykmipPair(): Promise<PykmipPair> {
  const site = await pykmipSite();
  const servers = [await site.add(), await site.add()] as const;
  const close = async () => {
    for (const each of servers) await each.kill();
    site.close();
  };
  for (const each of servers) await startOr(close, () => each.start());
  return {
    client: (name, options) =>
      site.client(
        name,
        servers.map(({ port }) => port),
        options,
      ),
    kill: (which) => servers[which].kill(),
    start: (which) => servers[which].start(),
    close,
  };
}

/** A folder with an authority and a database, and the servers in it. */
async function pykmipSite() {
  const folder = mkdtempSync(join(tmpdir(), 'pykmip-'));
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };
  const authority = await createAuthority({ name: 'pykmip test', ...validity });
  const certify = async (subject: string, usage: 'server' | 'client') => {
    const { publicKey, privateKey } = newKeyPair();
    const sans = { dns: ['localhost'], ip: ['127.0.0.1'] };
    const certificate = await issue({ authority, publicKey, subject, sans, usages: [usage], ...validity });
    return { certificate, key: privateKey };
  };
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  mkdirSync(join(folder, 'policy'));
  const own = await certify('localhost', 'server');
  return {
    async add() {
      const port = await freePort();
      const configuration = [
        '[server]',
        'hostname=127.0.0.1',
        `port=${port}`,
        `certificate_path=${file('server.crt', own.certificate)}`,
        `key_path=${file('server.key', privateKeyPem(own.key))}`,
        `ca_path=${file('ca.crt', authority.certificatePem)}`,
        'auth_suite=TLS1.2',
        `policy_path=${join(folder, 'policy')}`,
        'enable_tls_client_auth=True',
        `database_path=${join(folder, 'pykmip.db')}`,
        'logging_level=INFO',
      ];
      const config = file(`${port}.conf`, `${configuration.join('\n')}\n`);
      return { port, ...pykmipProcess(folder, config, port) };
    },
    async client(name: string, ports: readonly number[], options: Partial<KmipClientOptions> = {}) {
      const { certificate, key } = await certify(name, 'client');
      const servers = ports.map((port) => ({ host: '127.0.0.1', port, trust: { ca: authority.certificatePem } }));
      return kmipClient({ servers: servers as [KmipServer, ...KmipServer[]], certificate, key, ...options });
    },
    ca: authority.certificatePem,
    identity: (name: string) => certify(name, 'client'),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A server's process, in a group of its own: it starts a manager process that does not end with it. */
function pykmipProcess(folder: string, config: string, port: number) {
  let running: { child: ChildProcess; ended: Promise<unknown> } | undefined;
  const log = `${config}.log`;
  const kill = async () => {
    if (running === undefined) return;
    if (running.child.exitCode === null && running.child.signalCode === null)
      process.kill(-running.child.pid!, 'SIGKILL');
    await running.ended;
    running = undefined;
  };
  const start = async () => {
    // Its manager leaves a folder behind when it is killed.
    const env = { ...process.env, TMPDIR: folder };
    const child = spawn(program, ['-f', config, '-l', log], { stdio: 'ignore', detached: true, env });
    running = { child, ended: new Promise((resolve) => child.once('exit', resolve)) };
    try {
      await listening(port, () => child.exitCode === null);
    } catch (cause) {
      const words = existsSync(log) ? readFileSync(log, 'utf8') : '';
      await kill();
      throw new Error(`pykmip-server did not start: ${words.slice(-2000)}`, { cause });
    }
  };
  return { start, kill };
}

async function startOr(close: () => unknown, start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(port: number, alive: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (!alive()) throw new Error('it ended');
    if (await reachable(port)) return;
    await sleep(100);
  }
  throw new Error('it does not listen');
}

const reachable = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
