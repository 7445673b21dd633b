import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { Serial } from './serial.ts';
import { until } from './wait.ts';

/** A disk of a machine; its serial number tells it apart inside. */
export interface MachineDisk {
  readonly file: string;
  readonly serial: string;
  readonly readonly?: boolean;
}

export interface FirmwareMachineOptions {
  /** Gets firmware variables, logs and the TPM's control socket. */
  readonly folder: string;
  /** Folder of a manufactured TPM that nobody uses. */
  readonly tpmState: string;
  /** The machine boots from the first. */
  readonly disks: readonly MachineDisk[];
  readonly memoryMiB?: number;
  readonly cpus?: number;
  /** A network card behind user networking: 10.0.2.2 inside is 127.0.0.1 here. */
  readonly network?: boolean;
}

const firmware = '/usr/share/OVMF';

/**
 * A whole machine under emulation: UEFI firmware that measures into a TPM, disks, a serial line. Its TPM takes
 * commands only from inside while it runs.
 */
export class FirmwareMachine implements AsyncDisposable {
  readonly serial: Serial;
  readonly #qemu: Daemon;
  readonly #tpm: Daemon;

  private constructor(serial: Serial, qemu: Daemon, tpm: Daemon) {
    this.serial = serial;
    this.#qemu = qemu;
    this.#tpm = tpm;
  }

  /** Switches the machine on. */
  static async start(options: FirmwareMachineOptions): Promise<FirmwareMachine> {
    const { folder, tpmState } = options;
    const control = join(folder, 'machine-tpm.sock');
    const variables = join(folder, 'variables.fd');
    const line = join(folder, 'serial.log');
    // the firmware writes its variables, and PCR 1 holds some of them: every machine starts from the same file
    await copyFile(join(firmware, 'OVMF_VARS_4M.fd'), variables);
    const tpm = await startMachineTpm(tpmState, control, join(folder, 'machine-tpm.log'));
    try {
      const argv = ['qemu-system-x86_64', ...machineArguments(options, control, variables, line)] as const;
      return new FirmwareMachine(new Serial(line), await Daemon.start(argv, { log: join(folder, 'qemu.log') }), tpm);
    } catch (error) {
      await tpm.kill();
      throw error;
    }
  }

  /** Waits until the machine has switched itself off. @throws {TestingError} `not-ready` after `ms` milliseconds */
  async poweredOff(ms: number): Promise<void> {
    await until('the machine switches itself off', ms, () => (this.#qemu.running ? undefined : true));
  }

  /** Takes the power away. */
  async stop(): Promise<void> {
    await this.#qemu.kill();
    await this.#tpm.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function startMachineTpm(state: string, control: string, log: string): Promise<Daemon> {
  const [dir, ctrl] = [`dir=${state}`, `type=unixio,path=${control}`];
  return Daemon.start(['swtpm', 'socket', '--tpm2', '--tpmstate', dir, '--ctrl', ctrl, '--terminate'], { log });
}

/** Always the emulator: a machine may offer KVM that cannot run an ordinary kernel. */
function machineArguments(options: FirmwareMachineOptions, control: string, variables: string, line: string): string[] {
  const { disks, memoryMiB = 512, cpus = 1, network = false } = options;
  return [
    ...['-M', 'q35', '-accel', 'tcg', '-cpu', 'max', '-m', String(memoryMiB), '-smp', String(cpus)],
    ...['-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${firmware}/OVMF_CODE_4M.fd`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${variables}`],
    ...['-chardev', `socket,id=tpmsock,path=${control}`, '-tpmdev', 'emulator,id=tpm0,chardev=tpmsock'],
    ...['-device', 'tpm-crb,tpmdev=tpm0'],
    ...['-serial', `file:${line}`],
    ...disks.flatMap(diskArguments),
    ...(network ? ['-netdev', 'user,id=net0', '-device', 'virtio-net-pci,netdev=net0,romfile='] : []),
  ];
}

const diskArguments = ({ file, serial, readonly = false }: MachineDisk, index: number): string[] => [
  ...['-drive', `if=none,id=disk${index},format=raw,file=${file},readonly=${readonly ? 'on' : 'off'}`],
  ...['-device', `virtio-blk-pci,drive=disk${index},serial=${serial}${index === 0 ? ',bootindex=0' : ''}`],
];
