import type { LibvirtHost } from './libvirt-host.ts';

/**
 * Moves a running guest to another host: libvirtd to libvirtd and QEMU to QEMU, both under TLS. The disk is on storage
 * that both see (libvirt cannot know that about a folder, hence `--unsafe`).
 * @throws {TestingError} `command-failed`; the guest then runs on where it was
 */
export async function migrateLive(guest: string, from: LibvirtHost, to: LibvirtHost): Promise<void> {
  const flags = ['--live', '--p2p', '--tls', '--persistent', '--undefinesource', '--unsafe'];
  await from.mustVirsh(['migrate', ...flags, guest, `qemu+tls://${to.address}/system`]);
}
