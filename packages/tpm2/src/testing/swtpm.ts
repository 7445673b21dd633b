import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SwtpmControl } from '../swtpm/control.ts';
import { Tpm } from '../tpm.ts';
import { type SocketAddress, SocketTransport } from '../transport/socket.ts';

/** Whether a program is on the PATH. */
export const installed = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

/** Why tests on a software TPM cannot run; false when they can. For the `skip` option of a test. */
export const withoutSwtpm = installed('swtpm') ? false : 'swtpm is not installed';
/** Why tests against tpm2-tools cannot run; false when they can. */
export const withoutTools = withoutSwtpm || (installed('tpm2_quote') ? false : 'tpm2-tools is not installed');

/** A software TPM of its own in a temporary folder, started and without any EK certificate. */
export class Swtpm implements AsyncDisposable {
  readonly folder: string;
  readonly address: SocketAddress;
  readonly control: SwtpmControl;
  readonly #process: ChildProcess;

  private constructor(folder: string, address: SocketAddress, control: SocketAddress, process: ChildProcess) {
    this.folder = folder;
    this.address = address;
    this.control = new SwtpmControl(control);
    this.#process = process;
  }

  /** @param manufacture makes the state in the folder; without it the TPM starts with none */
  static async start(
    kind: 'unix' | 'tcp' = 'unix',
    manufacture: (folder: string) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<Swtpm> {
    const folder = await mkdtemp(join(tmpdir(), 'swtpm-'));
    await manufacture(folder).catch(async (error) => {
      await rm(folder, { recursive: true, force: true });
      throw error;
    });
    const [server, control] = kind === 'unix' ? unixAddresses(folder) : await tcpAddresses();
    const child = spawn('swtpm', ['socket', '--tpm2', '--tpmstate', `dir=${folder}`, ...listenOn(server, control)], {
      stdio: 'ignore',
    });
    const swtpm = new Swtpm(folder, server, control, child);
    try {
      await swtpm.#ready();
    } catch (error) {
      await swtpm[Symbol.asyncDispose]();
      throw error;
    }
    return swtpm;
  }

  /** A connection. swtpm serves one at a time. */
  async connect(): Promise<Tpm> {
    return new Tpm(await SocketTransport.open(this.address));
  }

  /** What tpm2-tools want in TPM2TOOLS_TCTI. */
  get tcti(): string {
    if (!('path' in this.address)) throw new TypeError('the tools are used over a Unix socket here');
    return `swtpm:path=${this.address.path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        return await (await this.connect()).close();
      } catch (error) {
        if (tries === 200 || this.#process.exitCode !== null) throw error;
        await sleep(25);
      }
    }
  }
}

// The tools look for the control channel behind the name of the server's socket.
const unixAddresses = (folder: string): [SocketAddress, SocketAddress] => [
  { path: join(folder, 'tpm.sock') },
  { path: join(folder, 'tpm.sock.ctrl') },
];

async function tcpAddresses(): Promise<[SocketAddress, SocketAddress]> {
  const [port, controlPort] = [await freePort(), await freePort()];
  return [
    { host: '127.0.0.1', port },
    { host: '127.0.0.1', port: controlPort },
  ];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const listenOn = (server: SocketAddress, control: SocketAddress) => [
  '--server',
  place(server),
  '--ctrl',
  place(control),
  '--flags',
  'not-need-init,startup-clear',
];
const place = (address: SocketAddress) =>
  'path' in address ? `type=unixio,path=${address.path}` : `type=tcp,port=${address.port},bindaddr=${address.host}`;
