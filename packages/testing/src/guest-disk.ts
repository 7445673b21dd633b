import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { busybox } from './busybox.ts';
import { makeExt4 } from './ext4.ts';

export interface GuestDisk {
  /** Path of the raw image to make. */
  readonly path: string;
  readonly sizeMiB: number;
  /** A line of text that stands in a file and is printed by the guest. */
  readonly marker: string;
}

/** What the guest prints on its serial line. */
export const guestSays = {
  marker: (text: string) => `guest: marker ${text}`,
  boot: (count: number) => `guest: boot ${count}`,
  tick: /guest: tick \d+/,
  /** Only with a TPM; the value of PCR 0 follows. */
  tpm: 'guest: tpm 2',
} as const;

/**
 * Makes a plain disk whose file system holds a whole guest: programs, a marker, the number of boots. The guest counts
 * its boots on the disk, prints marker and count, then writes a tick to the disk and prints it every second.
 */
export async function makeGuestDisk({ path, sizeMiB, marker }: GuestDisk): Promise<void> {
  const root = await mkdtemp(join(dirname(path), 'guest-root-'));
  try {
    for (const folder of ['bin', 'sbin', 'etc', 'proc', 'sys', 'dev', 'var']) await mkdir(join(root, folder));
    await writeFile(join(root, 'bin/busybox'), await busybox(), { mode: 0o755 });
    await writeFile(join(root, 'sbin/init'), init, { mode: 0o755 });
    await writeFile(join(root, 'etc/marker'), `${marker}\n`);
    await writeFile(join(root, 'var/boots'), '0\n');
    await makeExt4(path, root, sizeMiB);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec </dev/ttyS0 >/dev/ttyS0 2>&1
boots=$(( $(cat /var/boots) + 1 ))
echo "$boots" > /var/boots
sync
echo "guest: marker $(cat /etc/marker)"
echo "guest: boot $boots"
tpm=/sys/class/tpm/tpm0
[ -e $tpm ] && echo "guest: tpm $(cat $tpm/tpm_version_major) pcr0 $(cat $tpm/pcr-sha256/0)"
tick=0
while :; do
  tick=$((tick + 1))
  echo "$tick" > /var/tick && sync && echo "guest: tick $tick"
  sleep 1
done
`;
