import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { busyboxInitramfs, diskModules } from './busybox.ts';
import { guestKernel } from './kernel.ts';

/** What a guest starts from; paths of files that every user may read. */
export interface GuestKernel {
  readonly kernel: string;
  readonly initrd: string;
}

/** The initial file system only finds the disk: everything else has to come from it. */
const script = `mount -t ext4 /dev/vda /root || { echo "init: no file system on the disk"; sleep 1; poweroff -f; }
exec switch_root /root /sbin/init
`;

/**
 * Puts kernel and initial file system of guests into a folder.
 * @param folder is made when absent; QEMU has to be able to reach it
 */
export async function installGuestKernel(folder: string, say?: (line: string) => void): Promise<GuestKernel> {
  const from = await guestKernel(say);
  const files = { kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd.img') };
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await copyFile(from.image, files.kernel);
  await writeFile(files.initrd, await busyboxInitramfs(from, diskModules, script, say), { mode: 0o644 });
  return files;
}
