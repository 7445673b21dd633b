import { chmod, chown, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SwtpmControl } from '@vouchsafe/tpm2/swtpm/control';
import { SocketTransport } from '@vouchsafe/tpm2/transport/socket';
import { Daemon } from './daemon.ts';
import { systemGroup } from './system-user.ts';
import { until } from './wait.ts';

export interface SwtpmOptions {
  /** Folder of the TPM's state, see {@link TpmAuthority.manufacture}. Sockets and log are put there too. */
  readonly state: string;
  /** Group that may use the TPM: the socket becomes root:GROUP 0660. Only root may use it otherwise. */
  readonly group?: string;
}

/** A manufactured TPM that is switched on: TPM commands go to `socket`, one client at a time. */
export class Swtpm implements AsyncDisposable {
  /** Path of the Unix socket that takes plain TPM 2.0 commands. */
  readonly socket: string;
  readonly #control: SwtpmControl;
  readonly #daemon: Daemon;

  private constructor(socket: string, control: string, daemon: Daemon) {
    this.socket = socket;
    this.#control = new SwtpmControl({ path: control });
    this.#daemon = daemon;
  }

  /** Switches a TPM on; TPM2_Startup(CLEAR) is done. @throws {TestingError} `not-ready` when swtpm ends */
  static async start({ state, group }: SwtpmOptions): Promise<Swtpm> {
    const folder = resolve(state);
    const [socket, control, log] = ['tpm.sock', 'control.sock', 'swtpm.log'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await Promise.all([rm(socket, { force: true }), rm(control, { force: true })]);
    const daemon = await Daemon.start(
      [
        'swtpm',
        'socket',
        '--tpm2',
        ...['--tpmstate', `dir=${folder}`],
        ...['--server', `type=unixio,path=${socket}`],
        ...['--ctrl', `type=unixio,path=${control}`],
        ...['--flags', 'not-need-init,startup-clear'],
      ],
      { log },
    );
    const swtpm = new Swtpm(socket, control, daemon);
    try {
      await swtpm.#ready();
      if (group !== undefined) await open(folder, socket, await systemGroup(group));
    } catch (error) {
      await daemon.kill();
      throw error;
    }
    return swtpm;
  }

  /**
   * Power off and on again: PCRs are reset, NV memory stays, the reset count goes up. TPM2_Startup is for the caller,
   * as it is for firmware.
   */
  reboot(): Promise<void> {
    return this.#control.reset();
  }

  /** Switches the TPM off; its state stays in the folder. */
  async stop(): Promise<void> {
    await this.#daemon.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #ready(): Promise<void> {
    await until('swtpm', 10_000, async () => {
      await this.#daemon.mustRun();
      const transport = await SocketTransport.open({ path: this.socket }).catch(() => undefined);
      await transport?.close();
      return transport;
    });
  }
}

async function open(folder: string, socket: string, gid: number): Promise<void> {
  await chown(socket, 0, gid);
  await chmod(socket, 0o660);
  await chmod(folder, 0o711);
}
