import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from './command.ts';

/** Certificate and key of one host, and whom it trusts; paths of PEM files. */
export interface HostCertificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Issues the certificates with which hosts know each other when guests migrate. */
export class MigrationAuthority {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(folder: string): Promise<MigrationAuthority> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const [key, certificate] = [join(folder, 'ca.key'), join(folder, 'ca.pem')];
    await must([
      'openssl',
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'],
      ...['-keyout', key, '-out', certificate, '-days', '30', '-subj', '/CN=migration authority'],
      ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ]);
    return new MigrationAuthority(folder);
  }

  /** A certificate for both ends of a migration, for a host name and its address. */
  async issue(name: string, address: string): Promise<HostCertificates> {
    const file = (suffix: string) => join(this.#folder, `${name}.${suffix}`);
    const authority = join(this.#folder, 'ca.pem');
    await writeFile(file('ext'), extensions(name, address));
    await must([
      'openssl',
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'],
      ...['-keyout', file('key'), '-out', file('csr'), '-subj', `/CN=${name}`],
    ]);
    await must([
      'openssl',
      ...['x509', '-req', '-in', file('csr'), '-CA', authority, '-CAkey', join(this.#folder, 'ca.key')],
      ...['-CAcreateserial', '-days', '30', '-extfile', file('ext'), '-out', file('pem')],
    ]);
    return { authority, certificate: file('pem'), key: file('key') };
  }
}

/** GnuTLS asks for keyEncipherment even where the key is one for signatures only. */
const extensions = (name: string, address: string): string => `subjectAltName=DNS:${name},IP:${address}
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
basicConstraints=critical,CA:FALSE
`;

/** Where libvirtd looks for its certificates, below its folder. libvirt.org/kbase/tlscerts.html */
const libvirtFiles = [
  ['CA/cacert.pem', 'authority'],
  ['libvirt/servercert.pem', 'certificate'],
  ['libvirt/clientcert.pem', 'certificate'],
  ['libvirt/private/serverkey.pem', 'key'],
  ['libvirt/private/clientkey.pem', 'key'],
] as const;

/** Where QEMU looks for the certificates of its own TLS. */
const qemuFiles = [
  ['ca-cert.pem', 'authority'],
  ['server-cert.pem', 'certificate'],
  ['client-cert.pem', 'certificate'],
  ['server-key.pem', 'key'],
  ['client-key.pem', 'key'],
] as const;

/**
 * Puts a host's certificates where libvirtd and QEMU look for them.
 * @param folder stands for `/etc/pki`
 * @param group group that QEMU runs with: it reads its own keys, libvirtd's keys are for root alone
 */
export async function installCertificates(folder: string, from: HostCertificates, group: string): Promise<void> {
  for (const sub of ['CA', 'libvirt/private', 'qemu']) await mkdir(join(folder, sub), { recursive: true });
  for (const [path, part] of libvirtFiles) await copyFile(from[part], join(folder, path));
  for (const [path, part] of qemuFiles) await copyFile(from[part], join(folder, 'qemu', path));
  await must(['chmod', '-R', 'u=rwX,go=', join(folder, 'libvirt/private')]);
  for (const key of ['qemu/server-key.pem', 'qemu/client-key.pem']) {
    await must(['chgrp', group, join(folder, key)]);
    await must(['chmod', '640', join(folder, key)]);
  }
}
