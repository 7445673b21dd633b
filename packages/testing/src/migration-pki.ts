import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, createAuthority, issue, newKeyPair, type Validity } from '@vouchsafe/domain/x509/authority';
import { privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { idOf } from './system-user.ts';

/** Certificate and key of one host, and whom it trusts; PEM texts. */
export interface HostCertificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Issues the certificates with which hosts know each other when guests migrate. */
export class MigrationAuthority {
  readonly #authority: Authority;
  readonly #validity: Validity;

  private constructor(authority: Authority, validity: Validity) {
    this.#authority = authority;
    this.#validity = validity;
  }

  /** An authority whose certificates hold for a day. */
  static async create(name = 'migration'): Promise<MigrationAuthority> {
    const hour = 3_600_000;
    const now = Date.now();
    const validity = { notBefore: new Date(now - hour), notAfter: new Date(now + 24 * hour) };
    return new MigrationAuthority(await createAuthority({ name, ...validity }), validity);
  }

  /** A certificate for both ends of a migration, for a host name and its address. */
  async issue(name: string, address: string): Promise<HostCertificates> {
    const { publicKey, privateKey } = newKeyPair();
    const certificate = await issue({
      ...this.#validity,
      authority: this.#authority,
      publicKey,
      subject: name,
      sans: { dns: [name], ip: [address] },
      usages: ['server', 'client'],
    });
    return { authority: this.#authority.certificatePem, certificate, key: privateKeyPem(privateKey) };
  }
}

/** Where libvirtd looks for its certificates. libvirt.org/kbase/tlscerts.html */
const libvirtFiles = {
  'CA/cacert.pem': 'authority',
  'libvirt/servercert.pem': 'certificate',
  'libvirt/clientcert.pem': 'certificate',
  'libvirt/private/serverkey.pem': 'key',
  'libvirt/private/clientkey.pem': 'key',
} as const satisfies Record<string, keyof HostCertificates>;

/** Where QEMU looks for those of its own TLS. */
const qemuFiles = {
  'qemu/ca-cert.pem': 'authority',
  'qemu/server-cert.pem': 'certificate',
  'qemu/client-cert.pem': 'certificate',
  'qemu/server-key.pem': 'key',
  'qemu/client-key.pem': 'key',
} as const satisfies Record<string, keyof HostCertificates>;

/**
 * Puts a host's certificates where libvirtd and QEMU look for them.
 * @param folder stands for `/etc/pki`
 * @param group group that QEMU runs with: it reads its own keys, libvirtd's keys are for root alone
 */
export async function installCertificates(folder: string, from: HostCertificates, group: string): Promise<void> {
  for (const sub of ['CA', 'libvirt/private', 'qemu']) await mkdir(join(folder, sub), { recursive: true });
  for (const [path, part] of Object.entries(libvirtFiles)) await put(join(folder, path), from[part], part, 0);
  const gid = await idOf('group', group);
  for (const [path, part] of Object.entries(qemuFiles)) await put(join(folder, path), from[part], part, gid);
}

async function put(path: string, pem: string, part: keyof HostCertificates, gid: number): Promise<void> {
  await writeFile(path, pem, { mode: 0o600 });
  await chown(path, 0, gid);
  await chmod(path, part === 'key' ? 0o640 : 0o644);
}
