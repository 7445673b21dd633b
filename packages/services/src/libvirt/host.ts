import type { LibvirtConnection } from './connection.ts';

/** Name of the host as libvirt knows it. @throws {LibvirtError} */
export async function hostname(connection: LibvirtConnection): Promise<string> {
  return (await connection.call('hostname', {})).hostname;
}

/** Release of libvirt, for instance `9.0.0`. @throws {LibvirtError} */
export async function libvirtVersion(connection: LibvirtConnection): Promise<string> {
  const { low } = await connection.call('libVersion', {});
  return `${Math.floor(low / 1_000_000)}.${Math.floor(low / 1000) % 1000}.${low % 1000}`;
}

/** Capabilities of host and hypervisor as XML. @throws {LibvirtError} */
export async function capabilities(connection: LibvirtConnection): Promise<string> {
  return (await connection.call('capabilities', {})).capabilities;
}
