import { join } from 'node:path';
import { captureImage } from '@vouchsafe/domain/attestation/capture';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { imagePcrs } from '@vouchsafe/domain/attestation/policy';
import { AgentConfiguration } from '@vouchsafe/services/kmxa/configuration';
import { KeyReleaseClient } from '@vouchsafe/services/kmxa/key-release-client';
import { openIdentity } from '@vouchsafe/services/kmxa/tpm-identity';
import { TrustSession } from '@vouchsafe/services/kmxa/trust-session';
import { type TestPart, testPart } from '@vouchsafe/services/management/testing/part';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { Tpm } from '@vouchsafe/tpm2/tpm';
import { SocketTransport } from '@vouchsafe/tpm2/transport/socket';
import { freeLoopbackNetwork } from '../loopback.ts';
import { loadBoot } from '../measured-boot/recorded-boot.ts';
import { replayRecordedBoot } from '../simulated-host.ts';
import { Swtpm } from '../swtpm.ts';
import { TpmAuthority } from '../tpm-authority.ts';
import { AuthorityHost } from './authority-host.ts';
import { type KeyServerProcess, startKeyServer } from './key-server.ts';

const scope = 'lab';
const provider = 'demo';

/** The agent of a host without libvirt: a software TPM in the state of a real boot, and what asks for keys. */
export interface SiteAgent {
  readonly ek: string;
  readonly trust: TrustSession;
  readonly release: KeyReleaseClient;
}

/**
 * Trust Authority hosts of one group, a key server, and one agent with a software TPM: what it takes to see who gets a
 * key when some of the hosts are away.
 */
export class GroupSite implements AsyncDisposable {
  readonly hosts: AuthorityHost[] = [];
  readonly #folder: string;
  readonly #address: (host: number) => string;
  readonly #open: AsyncDisposable[] = [];
  #keyServer: KeyServerProcess | undefined;

  private constructor(folder: string, address: (host: number) => string) {
    this.#folder = folder;
    this.#address = address;
  }

  /** The first host founds the group and is configured, the others join it. @param folder must exist and be short */
  static async start(folder: string, names: readonly [string, ...string[]]): Promise<GroupSite> {
    const site = new GroupSite(folder, await freeLoopbackNetwork());
    const started = await Promise.all(names.map((name, i) => site.#startHost(name, i + 1)));
    site.hosts.push(...started);
    return site;
  }

  get first(): AuthorityHost {
    return this.hosts[0] as AuthorityHost;
  }

  /** A key server and a provider on the first host. @returns sets the client certificate on another one */
  async addProvider(): Promise<(host: AuthorityHost) => Promise<void>> {
    const server = await startKeyServer(this.#folder);
    const { address, ca, certificate, key, primaryKeyId } = server;
    this.#keyServer = server;
    this.#open.push(server);
    const [hostname = '', port] = address.split(':');
    const servers = [{ name: 'embedded', address: { hostname, port: Number(port) } }];
    const order = { name: provider, master_key_id: primaryKeyId, servers, accept_unmeasured_userspace: true };
    await this.first.call('kmxd', 'POST', '/kms/providers', order);
    await this.first.call('kmxd', 'PUT', `/kms/providers/${provider}/server-certificates`, { certificates: [ca] });
    const path = `/kms/providers/${provider}/client-certificate`;
    const certify = async (host: AuthorityHost) =>
      void (await host.call('kmxd', 'PUT', path, { certificate, private_key: key }));
    await certify(this.first);
    return certify;
  }

  /** Makes another key that may become the primary key of the provider. @returns its id */
  newPrimaryKey(): Promise<string> {
    if (this.#keyServer === undefined) throw new TypeError('there is no provider yet');
    return this.#keyServer.newPrimaryKey();
  }

  /** Has another host join the group of the first. */
  async join(host: AuthorityHost, through = this.first): Promise<void> {
    const invite = await through.call('host', 'POST', '/host/invites', { name: host.name });
    await host.call('host', 'POST', '/host/join', { invite });
  }

  /** An agent whose TPM, boot and EK the first host trusts. */
  async addAgent(): Promise<SiteAgent> {
    const tpms = await TpmAuthority.create(join(this.#folder, 'tpms'));
    const state = join(this.#folder, 'tpm');
    await tpms.manufacture({ state, name: 'kvm1' });
    const swtpm = await Swtpm.start({ state });
    this.#open.push({ [Symbol.asyncDispose]: () => swtpm.stop() as Promise<void> });
    const boot = await loadBoot('debian12-uki-a');
    await replayRecordedBoot(boot, swtpm.socket);
    const { ek, image } = await this.#look(swtpm, boot.eventLog);
    const [root, issuer] = (await tpms.certificates()).match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----\n/g) ?? [];
    const attestation = (method: 'POST' | 'PATCH', path: string, body: unknown) =>
      this.first.call('attestd', method, `/attestation/${path}`, body);
    await attestation('POST', 'tpm2/ca-certificates', {
      name: 'tpm-maker',
      virtual: true,
      cert_chain: { certs: [issuer, root] },
    });
    await attestation('PATCH', 'tpm2/settings', { virtual_tpm_scopes: [scope] });
    await attestation('POST', 'os/base-images', { image, userspace_unmeasured: true, activate: true });
    await attestation('POST', 'tpm2/endorsement-keys', { ek, name: 'kvm1', scope });
    const agent = {
      tpm: `unix:${swtpm.socket}`,
      ek: 'auto',
      event_log: boot.eventLogPath,
      ima_log: boot.imaLogPath,
      command_line: boot.commandLinePath,
      libvirt: '/nonexistent',
      qemu_state: '/nonexistent',
    } as const;
    const part: TestPart = testPart();
    this.#open.push({ [Symbol.asyncDispose]: () => part.close() });
    const group = await this.first.group();
    const configuration = new AgentConfiguration(part.store, group);
    const now = () => Math.floor(Date.now() / 1000);
    const trust = new TrustSession(configuration, { agent, group, version: 'test' }, now);
    const trusted_CA = await this.first.groupCa();
    for (const host of this.hosts)
      for (const kind of ['attestation', 'kms'] as const)
        configuration.addService(kind, host.name, { address: host.url, trusted_CA, group });
    return { ek, trust, release: new KeyReleaseClient(configuration, trust, group, now) };
  }

  async #look(swtpm: Swtpm, eventLog: Uint8Array) {
    await using tpm = new Tpm(await SocketTransport.open({ path: swtpm.socket }));
    await using identity = await openIdentity(tpm);
    const pcrs = await pcrRead(tpm, 'sha256', imagePcrs);
    const image = captureImage({ name: 'golden', version: '1', eventLog, pcrs, now: new Date() });
    return { ek: ekHash(identity.ek.publicArea), image };
  }

  async #startHost(name: string, number: number): Promise<AuthorityHost> {
    const folder = join(this.#folder, name);
    const host = await AuthorityHost.start({ name, folder, listen: `${this.#address(number)}:7443` });
    this.#open.push(host);
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#open.splice(0).reverse()) await each[Symbol.asyncDispose]();
  }
}
