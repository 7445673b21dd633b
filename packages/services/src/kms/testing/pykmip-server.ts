import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { type KeyServer, kmipClient } from '@vouchsafe/kmip/client/client';

const program = '/usr/bin/pykmip-server';

/** Why PyKMIP's server cannot be run here; false when it can. */
export const withoutPykmip: string | false = existsSync(program)
  ? false
  : 'the package python3-pykmip is not installed';

/** PyKMIP's server (Debian package python3-pykmip) on a free port. */
export interface PykmipServer {
  client(name: string): Promise<KeyServer>;
  close(): Promise<void>;
}

/** Starts the server in a temporary folder with certificates of an authority of its own. */
export async function pykmipServer(): Promise<PykmipServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pykmip-'));
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };
  const authority = await createAuthority({ name: 'pykmip test', ...validity });
  const certify = async (subject: string, usage: 'server' | 'client') => {
    const { publicKey, privateKey } = newKeyPair();
    const sans = { dns: ['localhost'], ip: ['127.0.0.1'] };
    const certificate = await issue({ authority, publicKey, subject, sans, usages: [usage], ...validity });
    return { certificate, key: privateKey };
  };
  const port = await freePort();
  const own = await certify('localhost', 'server');
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  mkdirSync(join(folder, 'policy'));
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
  const config = file('server.conf', `${configuration.join('\n')}\n`);
  // Its own process group: the server starts a manager process that does not end with it.
  const process_ = spawn(program, ['-f', config, '-l', join(folder, 'server.log')], {
    stdio: 'ignore',
    detached: true,
    // Its manager leaves a folder behind when it is killed.
    env: { ...process.env, TMPDIR: folder },
  });
  const ended = new Promise((resolve) => process_.once('exit', resolve));
  const close = async () => {
    if (process_.exitCode === null) process.kill(-process_.pid!, 'SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await listening(port, () => process_.exitCode === null);
  } catch (cause) {
    const log = join(folder, 'server.log');
    const words = existsSync(log) ? readFileSync(log, 'utf8') : '';
    await close();
    throw new Error(`pykmip-server did not start: ${words.slice(-2000)}`, { cause });
  }
  return {
    close,
    async client(name) {
      const { certificate, key } = await certify(name, 'client');
      return kmipClient({
        servers: [{ host: '127.0.0.1', port, trust: { ca: authority.certificatePem } }],
        certificate,
        key,
        tryTimeout: 20_000,
        timeout: 30_000,
      });
    },
  };
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
