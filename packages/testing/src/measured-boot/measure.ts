import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { busybox, busyboxInitramfs, diskModules, efiVariableModules } from '../busybox.ts';
import { must } from '../command.ts';
import { TestingError } from '../error.ts';
import { makeExt4 } from '../ext4.ts';
import { FirmwareMachine } from '../firmware-machine.ts';
import type { Kernel } from '../kernel.ts';
import { makeBootDisk, makeUki } from '../uki.ts';

/** A boot to be recorded. */
export interface BootToMeasure {
  readonly kernel: Kernel;
  readonly commandLine: string;
  /** Folder of a manufactured TPM that was never used. */
  readonly tpmState: string;
}

/** Time that a boot may take under emulation on a busy machine. */
const bootLimitMs = 240_000;
const modules = [...diskModules, ...efiVariableModules];

/**
 * Boots a kernel as UKI from an EFI system partition on measuring firmware and has it say what was measured.
 * @param folder for the parts; `folder/measured` gets the files that the guest wrote
 * @returns the path of the files: event log, PCRs, IMA logs, command line, EFI variables
 */
export async function measureBoot(folder: string, boot: BootToMeasure): Promise<string> {
  const { kernel, commandLine, tpmState } = boot;
  const files = { boot: join(folder, 'boot.img'), system: join(folder, 'system.img'), out: join(folder, 'out.img') };
  const initramfs = await busyboxInitramfs(kernel, modules, script);
  const uki = await makeUki(folder, { kernel, initramfs, commandLine, osRelease });
  await makeBootDisk(files.boot, uki);
  await makeSystemDisk(folder, files.system);
  await must(['truncate', '-s', '4M', files.out]);
  await using machine = await FirmwareMachine.start({
    folder,
    tpmState,
    disks: [
      { file: files.boot, serial: 'BOOT', readonly: true },
      { file: files.system, serial: 'SYSTEM', readonly: true },
      { file: files.out, serial: 'OUT' },
    ],
  });
  await machine.poweredOff(bootLimitMs);
  return unpackMeasured(folder, files.out, await machine.serial.text());
}

const osRelease = 'ID=example\nPRETTY_NAME="Example host 1"\nVERSION_ID=1\n';

/** Programs on a disk of their own: the kernel's IMA policy leaves initial file systems out. */
async function makeSystemDisk(folder: string, image: string): Promise<void> {
  const root = join(folder, 'system');
  await mkdir(join(root, 'bin'), { recursive: true });
  const program = await busybox();
  for (let i = 1; i <= systemPrograms; i++) {
    await writeFile(join(root, 'bin', `program${i}`), Buffer.concat([program, Buffer.from(`\n# ${i}\n`)]), {
      mode: 0o755,
    });
  }
  await makeExt4(image, root, 64);
}

const systemPrograms = 16;

/** The guest runs the programs of the disk, collects what was measured and hands it out as tar on a raw disk. */
const script = `mount -t securityfs securityfs /sys/kernel/security
mount -t efivarfs efivarfs /sys/firmware/efi/efivars
disk() { for d in /sys/block/vd?; do [ "$(cat "$d/serial")" = "$1" ] && echo "/dev/\${d##*/}"; done; }
mount -t ext4 -o ro "$(disk SYSTEM)" /mnt
for i in $(seq 1 ${systemPrograms}); do "/mnt/bin/program$i" true; done
mkdir /out
cd /out
security=/sys/kernel/security
cat $security/tpm0/binary_bios_measurements > binary_bios_measurements
cat $security/ima/binary_runtime_measurements > binary_runtime_measurements
cat $security/ima/ascii_runtime_measurements > ascii_runtime_measurements
for bank in sha1 sha256 sha384 sha512; do
  [ -d /sys/class/tpm/tpm0/pcr-$bank ] || continue
  for i in $(seq 0 23); do echo "$bank:$i=$(cat /sys/class/tpm/tpm0/pcr-$bank/$i)"; done
done > pcrs.txt
cat /proc/cmdline > cmdline
uname -r > kernel-release
mkdir efivars
for name in SecureBoot SetupMode PK KEK db dbx BootOrder BootCurrent Boot0; do
  cp /sys/firmware/efi/efivars/$name* efivars/ 2>/dev/null
done
tar cf "$(disk OUT)" .
sync
echo "measured $(wc -l < $security/ima/ascii_runtime_measurements) files"
poweroff -f
`;

async function unpackMeasured(folder: string, out: string, said: string): Promise<string> {
  const measured = join(folder, 'measured');
  await mkdir(measured);
  await must(['tar', '-xf', out, '-C', measured]);
  const log = await readFile(join(measured, 'binary_bios_measurements')).catch(() => Buffer.alloc(0));
  if (log.length === 0) {
    throw new TestingError('bad-recording', `the guest wrote no event log; it said: ${said.trim().slice(-400)}`);
  }
  return measured;
}
