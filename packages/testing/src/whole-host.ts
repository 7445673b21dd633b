import { copyFile, cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { busybox, busyboxInitramfs, diskModules, efiVariableModules, networkModules } from './busybox.ts';
import { must } from './command.ts';
import { makeExt4 } from './ext4.ts';
import { FirmwareMachine } from './firmware-machine.ts';
import { guestKernel, type Kernel } from './kernel.ts';
import { makeBootDisk, makeUki } from './uki.ts';

export interface WholeHostOptions {
  /** Folder for disks and logs; it has to be there. */
  readonly folder: string;
  /** Path of the program that runs on the host; its shared libraries come along. */
  readonly executable: string;
  readonly args?: readonly string[];
  /** Shell script (busybox) that runs in the place of the program; it finds the program on its PATH. */
  readonly script?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Files and folders of this machine (values) by their absolute path on the host. */
  readonly files?: Readonly<Record<string, string>>;
  /** Stands behind the command line, which is measured. */
  readonly appendCommandLine?: string;
  /** Folder of a manufactured TPM. */
  readonly tpmState: string;
  readonly memoryMiB?: number;
  readonly cpus?: number;
  /** Size of the host's disk in MiB. */
  readonly diskMiB?: number;
  readonly kernel?: Kernel;
}

/** What the host prints around the program. */
export const wholeHostSays = {
  started: 'host: program starts',
  /** The exit status follows. */
  ended: /host: program ended (\d+)/,
} as const;

/** The command line that every whole host starts with; IMA measures what root executes and reads. */
export const wholeHostCommandLine = 'console=ttyS0 ima_policy=tcb panic=-1 quiet';
const modules = [...diskModules, ...efiVariableModules, ...networkModules];

/**
 * A whole host as a virtual machine: measuring firmware, a unified kernel image, the kernel's own `/dev/tpmrm0`, event
 * log and IMA, and one program that runs from a disk and reaches this machine's loopback as 10.0.2.2. What the program
 * prints comes out of the serial line. The machine switches itself off when the program ends.
 */
export class WholeHost implements AsyncDisposable {
  readonly #machine: FirmwareMachine;

  private constructor(machine: FirmwareMachine) {
    this.#machine = machine;
  }

  static async boot(options: WholeHostOptions): Promise<WholeHost> {
    const { folder, tpmState, appendCommandLine = '', memoryMiB = 1024, cpus = 1, diskMiB = 320 } = options;
    const kernel = options.kernel ?? (await guestKernel());
    const files = { boot: join(folder, 'boot.img'), system: join(folder, 'system.img') };
    const uki = await makeUki(folder, {
      kernel,
      initramfs: await busyboxInitramfs(kernel, modules, script),
      commandLine: `${wholeHostCommandLine} ${appendCommandLine}`.trim(),
      osRelease: 'ID=example\nPRETTY_NAME="Example host 1"\nVERSION_ID=1\n',
    });
    await makeBootDisk(files.boot, uki);
    await makeSystemDisk(options, files.system, diskMiB);
    const disks = [
      { file: files.boot, serial: 'BOOT', readonly: true },
      { file: files.system, serial: 'SYSTEM' },
    ];
    return new WholeHost(await FirmwareMachine.start({ folder, tpmState, disks, memoryMiB, cpus, network: true }));
  }

  /** Everything that the host printed, and waiting for more. */
  get serial(): FirmwareMachine['serial'] {
    return this.#machine.serial;
  }

  /** Waits until the program has ended. @returns its exit status @throws {TestingError} `not-ready` */
  async ended(ms: number): Promise<number> {
    const line = await this.serial.waitFor(wholeHostSays.ended, ms);
    return Number(wholeHostSays.ended.exec(line)?.[1]);
  }

  /** Takes the power away. */
  stop(): Promise<void> {
    return this.#machine.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Mounts what a host has, brings the network up (fixed addresses of QEMU's user network) and runs the program. */
const script = `mount -t securityfs securityfs /sys/kernel/security
mount -t efivarfs efivarfs /sys/firmware/efi/efivars
for d in /sys/block/vd?; do [ "$(cat "$d/serial")" = SYSTEM ] && disk="/dev/\${d##*/}"; done
mount -t ext4 "$disk" /mnt
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
route add default gw 10.0.2.2
for folder in proc sys dev; do mount --rbind "/$folder" "/mnt/$folder"; done
mount -t tmpfs tmpfs /mnt/run
mount -t tmpfs tmpfs /mnt/tmp
echo "host: program starts"
chroot /mnt /bin/busybox sh /run-program
echo "host: program ended $?"
sync
poweroff -f
`;

async function makeSystemDisk(options: WholeHostOptions, image: string, sizeMiB: number): Promise<void> {
  const { folder, executable, args = [], env = {}, files = {}, script } = options;
  const root = await mkdtemp(join(folder, 'root-'));
  for (const name of ['bin', 'dev', 'etc', 'opt', 'proc', 'run', 'sys', 'tmp', 'var', 'root']) {
    await mkdir(join(root, name));
  }
  await writeFile(join(root, 'bin/busybox'), await busybox(), { mode: 0o755 });
  const program = `/opt/${basename(executable)}`;
  await copyFile(executable, join(root, program));
  for (const library of await librariesOf(executable)) await copyInto(root, library, library);
  for (const [path, from] of Object.entries(files)) await copyInto(root, path, from);
  if (script !== undefined) await writeFile(join(root, 'script'), installApplets + script);
  const argv = script === undefined ? [program] : ['/bin/busybox', 'sh', '/script'];
  await writeFile(join(root, 'run-program'), runProgram([...argv, ...args], env), { mode: 0o755 });
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
  await makeExt4(image, root, sizeMiB);
  await must(['rm', '-rf', root]);
}

/** Paths of the shared libraries that a program is linked with, the loader among them. */
async function librariesOf(executable: string): Promise<string[]> {
  const said = await must(['ldd', executable]);
  return [...said.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map((match) => match[1]!);
}

async function copyInto(root: string, path: string, from: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await cp(from, join(root, path), { recursive: true, dereference: true });
}

const installApplets = '/bin/busybox --install -s /bin\n';

const runProgram = (argv: readonly string[], env: Readonly<Record<string, string>>): string => {
  const set = Object.entries({ HOME: '/root', PATH: '/bin:/opt', ...env }).map(
    ([name, value]) => `${name}=${quote(value)}`,
  );
  return `exec /bin/busybox env -i ${[...set, ...argv.map(quote)].join(' ')}\n`;
};

/** A word of a shell command. */
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
