import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Daemon } from '../daemon.ts';
import { LibvirtHost, type LibvirtHostOptions } from '../libvirt-host.ts';
import { loadBoot, type RecordedBootName } from '../measured-boot/recorded-boot.ts';
import { replayRecordedBoot } from '../simulated-host.ts';
import { Swtpm } from '../swtpm.ts';
import { separation } from '../system-user.ts';
import type { TpmAuthority } from '../tpm-authority.ts';
import { partsReady, toml } from './authority-host.ts';
import { callPart } from './part-call.ts';
import { vouchsafe } from './program.ts';

export interface TrustedHostOptions extends LibvirtHostOptions {
  /** The boot that its TPM is brought to. */
  readonly boot: RecordedBootName;
  readonly tpms: TpmAuthority;
  /** The pinned group. */
  readonly group: string;
  /** The pinned center, if there is one. */
  readonly center?: string;
  readonly port: number;
  /** The program that it runs; this repository's unless given. */
  readonly program?: typeof vouchsafe;
}

const hook = fileURLToPath(new URL('../../../../deploy/hooks/qemu', import.meta.url));

/** A trusted host: libvirt in namespaces, a TPM in the state of a real boot, and the part `host` with kmxa and proxy. */
export class TrustedHost implements AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly libvirt: LibvirtHost;
  /** Folder of its sockets, as seen from outside. */
  readonly run: string;
  readonly tpm: Swtpm;
  readonly #daemon: Daemon;

  private constructor(options: TrustedHostOptions, libvirt: LibvirtHost, tpm: Swtpm, daemon: Daemon) {
    this.name = options.name;
    this.url = `https://${options.address}:${options.port}`;
    this.libvirt = libvirt;
    this.run = libvirt.path('/run/vouchsafe');
    this.tpm = tpm;
    this.#daemon = daemon;
  }

  /** Manufactures its TPM, replays the boot into it, boots libvirt and starts the agent. @throws {TestingError} */
  static async start(options: TrustedHostOptions): Promise<TrustedHost> {
    const tpmState = join(options.state, 'tpm');
    await mkdir(options.state, { recursive: true });
    const libvirt = await LibvirtHost.create(options);
    await options.tpms.manufacture({ state: tpmState, name: options.name });
    const tpm = await Swtpm.start({ state: tpmState, group: separation.tpmGroup });
    try {
      await replayRecordedBoot(await loadBoot(options.boot), tpm.socket);
      await configure(options, libvirt, tpm);
      await libvirt.boot();
      const argv = (options.program ?? vouchsafe)('serve', 'host', '--config', '/etc/vouchsafe/host.toml');
      // In its own folder: what it leaves behind when it crashes shall be found there.
      const daemon = await libvirt.spawn(['sh', '-c', 'cd /var/lib/vouchsafe && exec "$0" "$@"', ...argv], {
        name: `host ${options.name}`,
        log: join(options.state, 'host.log'),
      });
      const host = new TrustedHost(options, libvirt, tpm, daemon);
      await partsReady(daemon, host.run, options.name);
      return host;
    } catch (error) {
      await libvirt.stop();
      await tpm.stop();
      throw error;
    }
  }

  call(
    part: 'kmxa' | 'host',
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<unknown> {
    return callPart(this.run, part, method, path, body);
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
    await this.libvirt.stop();
    await this.tpm.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

async function configure(
  { name, address, port, group, center, boot }: TrustedHostOptions,
  libvirt: LibvirtHost,
  tpm: Swtpm,
): Promise<void> {
  const { eventLog, imaLog, commandLine } = await loadBoot(boot);
  const [folder, hooks] = [libvirt.path('/etc/vouchsafe'), libvirt.path('/etc/libvirt/hooks')];
  await mkdir(hooks, { recursive: true });
  await copyFile(hook, join(hooks, 'qemu'));
  await writeFile(join(folder, 'event-log'), eventLog);
  await writeFile(join(folder, 'ima-log'), imaLog);
  await writeFile(join(folder, 'cmdline'), `${commandLine}\n`);
  const own = (file: string) => `/etc/vouchsafe/${file}`;
  const files = { event_log: own('event-log'), ima_log: own('ima-log'), command_line: own('cmdline') };
  const agent = { tpm: `unix:${tpm.socket}`, ...files };
  const paths = { state: '/var/lib/vouchsafe', run: '/run/vouchsafe' };
  await writeFile(
    join(folder, 'host.toml'),
    toml({
      role: 'trusted',
      name,
      ...paths,
      listen: `${address}:${port}`,
      group,
      ...(center === undefined ? {} : { center }),
      agent,
    }),
  );
}
