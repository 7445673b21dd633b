import type { LibvirtHost } from './libvirt-host.ts';

/**
 * Gives libvirt a secret as an administrator would by hand: in memory only, never to be read back. The value never
 * stands in arguments.
 * @param value for disks: text in UTF-8, QEMU refuses other passphrases; for TPMs: any bytes
 */
export async function loadSecret(host: LibvirtHost, uuid: string, value: Uint8Array): Promise<void> {
  await host.mustVirsh(['secret-define', '--file', '/dev/stdin'], secretXml(uuid));
  await host.mustVirsh(['secret-set-value', uuid, '--plain', '--file', '/dev/stdin'], value);
}

const secretXml = (uuid: string): string =>
  `<secret ephemeral='yes' private='yes'><uuid>${uuid}</uuid><description>guest</description></secret>`;
