import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { unpacked } from './debian-unpacked.ts';
import { type InitramfsEntry, initramfs } from './initramfs.ts';
import type { Kernel } from './kernel.ts';

/** Modules for virtio disks in the order that loads them: each stands behind those it needs. */
export const diskModules = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci',
  'drivers/block/virtio_blk',
] as const;

/** Modules for virtio network cards, to be loaded behind {@link diskModules}. */
export const networkModules = ['net/core/failover', 'drivers/net/net_failover', 'drivers/net/virtio_net'] as const;

export const efiVariableModules = ['fs/efivarfs/efivarfs'] as const;

/** The busybox program, linked statically. */
export async function busybox(say?: (line: string) => void): Promise<Uint8Array> {
  return readFile(join(await unpacked('busybox-static', say), 'bin/busybox'));
}

/** What a busybox initial file system starts with: programs, file systems, modules. */
export const preamble = (modules: readonly string[]): string => `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in ${modules.map((path) => basename(path)).join(' ')}; do
  insmod "/modules/$module.ko" || echo "init: module $module did not load"
done
`;

/** An initial file system of busybox, some modules of the kernel and a script that becomes `/init`. */
export async function busyboxInitramfs(
  kernel: Kernel,
  modules: readonly string[],
  script: string,
  say?: (line: string) => void,
): Promise<Uint8Array> {
  const folders = ['bin', 'proc', 'sys', 'dev', 'modules', 'mnt', 'root'];
  const loaded = modules.map(async (path) => ({
    path: `modules/${basename(path)}.ko`,
    contents: await kernel.module(path),
  }));
  const entries: InitramfsEntry[] = [
    ...folders.map((path) => ({ path })),
    { path: 'bin/busybox', contents: await busybox(say), executable: true },
    ...(await Promise.all(loaded)),
    { path: 'init', contents: preamble(modules) + script, executable: true },
  ];
  return initramfs(entries);
}
