import { join } from 'node:path';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { freeLoopbackNetwork } from '../loopback.ts';
import type { RecordedBootName } from '../measured-boot/recorded-boot.ts';
import { MigrationAuthority } from '../migration-pki.ts';
import { TpmAuthority } from '../tpm-authority.ts';
import { AuthorityHost } from './authority-host.ts';
import { type KeyServerProcess, startKeyServer } from './key-server.ts';
import { vouchsafe } from './program.ts';
import { TrustedHost } from './trusted-host.ts';

/** The scope, or trusted cluster, that all hosts of a site belong to. */
export const siteScope = 'demo';
/** Port of every host's proxy; each host has a loopback address of its own. */
const proxyPort = 7443;
/** Number of the Trust Authority host in the loopback network. */
const authorityNumber = 10;

/** A trusted host of a site: its name and the boot that its TPM is in the state of. */
export interface SiteHost {
  readonly name: string;
  readonly boot: RecordedBootName;
  /** Whether libvirt keeps its running guests' state in memory; true when not given. */
  readonly qemuStateOnTmpfs?: boolean;
}

/** Two alike, one that booted another kernel, and one with the right boot whose TPM nobody approves. */
export const demoHosts: readonly SiteHost[] = [
  { name: 'host1', boot: 'debian12-uki-a' },
  { name: 'host2', boot: 'debian12-uki-a' },
  { name: 'host3', boot: 'debian12-uki-b' },
  { name: 'host4', boot: 'debian12-uki-a' },
];

/** A whole site on loopback: key server, Trust Authority host and trusted hosts, all of them real. */
export class Site implements AsyncDisposable {
  readonly #folder: string;
  readonly #address: (host: number) => string;
  readonly #program: typeof vouchsafe;
  readonly #open: AsyncDisposable[] = [];
  #keyServer: KeyServerProcess | undefined;
  #authority: AuthorityHost | undefined;
  readonly #hosts: TrustedHost[] = [];
  #tpms: TpmAuthority | undefined;

  private constructor(folder: string, address: (host: number) => string, program: typeof vouchsafe) {
    this.#folder = folder;
    this.#address = address;
    this.#program = program;
  }

  /**
   * @param folder takes all state; it must exist and be short, for the sockets below it
   * @param program what the hosts run; this repository's program unless given
   */
  static async create(folder: string, program = vouchsafe): Promise<Site> {
    return new Site(folder, await freeLoopbackNetwork(), program);
  }

  get keyServer(): KeyServerProcess {
    return started(this.#keyServer, 'key server');
  }

  get authority(): AuthorityHost {
    return started(this.#authority, 'Trust Authority host');
  }

  get hosts(): readonly TrustedHost[] {
    return this.#hosts;
  }

  /** The maker of the hosts' TPMs. */
  get tpms(): TpmAuthority {
    return started(this.#tpms, 'maker of TPMs');
  }

  host(name: string): TrustedHost {
    return started(
      this.#hosts.find((host) => host.name === name),
      `host ${name}`,
    );
  }

  async startKeyServer(): Promise<KeyServerProcess> {
    this.#keyServer = this.#keep(await startKeyServer(this.#folder));
    return this.#keyServer;
  }

  /** @param reached where its proxy listens, and how others reach it when that is not the same */
  async startAuthority(name = 'ta1', reached: { listen?: string; url?: string } = {}): Promise<AuthorityHost> {
    const listen = `${this.#address(authorityNumber)}:${proxyPort}`;
    const options = { name, folder: join(this.#folder, name), listen, program: this.#program, ...reached };
    this.#authority = this.#keep(await AuthorityHost.start(options));
    return this.#authority;
  }

  /** Names the primary key of the key server as trusted key provider; userspace of these hosts is not measured. */
  async addProvider(name: string): Promise<void> {
    const { address, ca, certificate, key, primaryKeyId } = this.keyServer;
    const [hostname = '', port] = address.split(':');
    const servers = [{ name: 'embedded', address: { hostname, port: Number(port) } }];
    const path = `/kms/providers/${encodeURIComponent(name)}`;
    await this.authority.call('kmxd', 'POST', '/kms/providers', {
      name,
      master_key_id: primaryKeyId,
      servers,
      accept_unmeasured_userspace: true,
    });
    await this.authority.call('kmxd', 'PUT', `${path}/server-certificates`, { certificates: [ca] });
    await this.authority.call('kmxd', 'PUT', `${path}/client-certificate`, { certificate, private_key: key });
  }

  /** Starts the trusted hosts: the first alone, since it warms what the others then find, the others together. */
  async startHosts(hosts: readonly SiteHost[] = demoHosts): Promise<void> {
    this.#tpms = await TpmAuthority.create(join(this.#folder, 'tpm-maker'));
    const migration = await MigrationAuthority.create();
    const [first, ...others] = hosts.map((host, i) => () => this.#startHost(host, i + 1, migration));
    if (first !== undefined) await first();
    await Promise.all(others.map((start) => start()));
    this.#hosts.sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Registers the services of the Trust Authority host on every trusted host. */
  async registerServices(): Promise<void> {
    const [trusted_CA, group] = await Promise.all([this.authority.groupCa(), this.authority.group()]);
    for (const host of this.#hosts) {
      for (const kind of ['attestation', 'kms']) {
        const service = { id: this.authority.name, address: this.authority.url, trusted_CA, group };
        await host.call('kmxa', 'POST', `/trusted-infrastructure/${kind}/services`, service);
      }
    }
  }

  /** Trusts the maker of the hosts' TPMs, which are virtual ones. */
  async trustTpms(maker = this.tpms): Promise<void> {
    const [root, issuer] = (await maker.certificates()).match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----\n/g) ?? [];
    const cert_chain = { certs: [issuer, root] };
    await this.authority.call('attestd', 'POST', '/attestation/tpm2/ca-certificates', {
      name: 'tpm-maker',
      virtual: true,
      cert_chain,
    });
    await this.authority.call('attestd', 'PATCH', '/attestation/tpm2/settings', { virtual_tpm_scopes: [siteScope] });
  }

  /** Captures the boot of a host and imports it. @returns what it covers, in words */
  async trustBootOf(host: TrustedHost, name: string): Promise<{ image: BaseImage; coverage: string }> {
    const captured = await host.call('kmxa', 'POST', '/trusted-infrastructure/image', {
      name,
      version: `boot of ${host.name}`,
    });
    const { image, coverage } = captured as { image: BaseImage; coverage: string };
    await this.authority.call('attestd', 'POST', '/attestation/os/base-images', {
      image,
      userspace_unmeasured: true,
      activate: true,
    });
    return { image, coverage };
  }

  /** Approves the endorsement key of a host. @returns the key's hash */
  async approve(host: TrustedHost): Promise<string> {
    const { ek } = (await host.call('kmxa', 'GET', '/trusted-infrastructure/tpm')) as { ek: string };
    await this.authority.call('attestd', 'POST', '/attestation/tpm2/endorsement-keys', {
      ek,
      name: host.name,
      scope: siteScope,
    });
    return ek;
  }

  /** Stops everything, the last started first. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#open.splice(0).reverse()) await each[Symbol.asyncDispose]();
  }

  async #startHost(
    { name, boot, qemuStateOnTmpfs = true }: SiteHost,
    number: number,
    migration: MigrationAuthority,
  ): Promise<void> {
    const address = this.#address(number);
    const certificates = await migration.issue(name, address);
    const [group, state] = [await this.authority.group(), join(this.#folder, name)];
    const options = {
      name,
      address,
      state,
      certificates,
      boot,
      tpms: this.tpms,
      group,
      port: proxyPort,
      qemuStateOnTmpfs,
      program: this.#program,
    };
    this.#hosts.push(this.#keep(await TrustedHost.start(options)));
  }

  #keep<T extends AsyncDisposable>(resource: T): T {
    this.#open.push(resource);
    return resource;
  }
}

function started<T>(resource: T | undefined, what: string): T {
  if (resource === undefined) throw new TypeError(`${what} was not started`);
  return resource;
}
